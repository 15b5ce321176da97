/** Now, for what is shown relative to it: one timer for the whole app, told every quarter of a minute. */
import { useSyncExternalStore } from "react";

const EVERY_MS = 15_000;

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    now = Date.now();
    timer = setInterval(tick, EVERY_MS);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}

/** The time in milliseconds, at most a quarter of a minute old. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}
