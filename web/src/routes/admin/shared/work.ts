/** Long work, one thing after the other: how far it has come, what failed, and a way to stop it. */
import { useEffect, useRef, useState } from "react";
import { explain } from "../../../api/problem";

/** So many at once: fast enough, and not all that the server can do. */
const AT_ONCE = 4;
/** Beyond these failures are only counted. */
const MOST_NAMED = 20;

export interface Failure {
  what: string;
  why: string;
}

export interface Progress {
  state: "running" | "finished" | "stopped" | "broken";
  done: number;
  failed: number;
  failures: readonly Failure[];
  /** How much there is to do, where that is known. */
  total?: number;
  /** Why it broke off. */
  error?: unknown;
}

export interface Job<T> {
  items: Iterable<T> | AsyncIterable<T>;
  total?: number;
  act: (item: T) => Promise<unknown>;
  /** The name of one item, for what is said of its failure. */
  nameOf: (item: T) => string;
}

/** Does a job, and tells how far it is. What fails is noted and the rest goes on; if there is no getting at the rest, it breaks off. */
export async function work<T>(job: Job<T>, tell: (progress: Progress) => void, signal: AbortSignal): Promise<Progress> {
  let progress: Progress = { state: "running", done: 0, failed: 0, failures: [], ...(job.total !== undefined && { total: job.total }) };
  const update = (change: Partial<Progress>) => {
    progress = { ...progress, ...change };
    tell(progress);
  };
  tell(progress);
  const items = stream(job.items);
  const worker = async () => {
    while (!signal.aborted) {
      const next = await items.next();
      if (next.done) return;
      try {
        await job.act(next.value);
        update({ done: progress.done + 1 });
      } catch (error) {
        const failure = { what: job.nameOf(next.value), why: explain(error) };
        const failures = progress.failures.length < MOST_NAMED ? [...progress.failures, failure] : progress.failures;
        update({ failed: progress.failed + 1, failures });
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    update({ state: signal.aborted ? "stopped" : "finished" });
  } catch (error) {
    update({ state: "broken", error });
  }
  return progress;
}

/** Asked by several at once, it gives each item to one of them. */
async function* stream<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}

export interface Work {
  progress: Progress | undefined;
  isRunning: boolean;
  start: <T>(job: Job<T>) => Promise<Progress>;
  stop: () => void;
  /** Takes what was said of it off the page. */
  clear: () => void;
}

/** Work ends with the page that began it. */
export function useWork(): Work {
  const [progress, setProgress] = useState<Progress>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  return {
    progress,
    isRunning: progress?.state === "running",
    start: (job) => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      return work(job, (now) => running.current === controller && setProgress(now), controller.signal);
    },
    stop: () => running.current?.abort(),
    clear: () => setProgress(undefined),
  };
}
