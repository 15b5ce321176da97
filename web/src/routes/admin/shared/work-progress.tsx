/** How far long work has come, and what came of it. */
import { X } from "lucide-react";
import { explain } from "../../../api/problem";
import { Button, IconButton } from "../../../parts/button";
import type { Progress, Work } from "./work";

export interface WorkProgressProps {
  work: Work;
  /** What is counted: `messages`. */
  unit: string;
  /** What was done to them, as in `12 messages sent again`. */
  deed: string;
}

export function WorkProgress({ work, unit, deed }: WorkProgressProps) {
  const { progress, isRunning } = work;
  if (!progress) return null;
  return (
    <section aria-label="Progress" className="flex flex-col gap-2 rounded-lg border bg-surface px-4 py-3">
      <div className="flex items-center justify-between gap-3">
        <p role="status" className="min-w-0 font-medium tabular-nums">
          {describe(progress, unit, deed)}
        </p>
        {isRunning ? (
          <Button size="small" onClick={work.stop}>
            Stop
          </Button>
        ) : (
          <IconButton icon={X} label="Dismiss" onClick={work.clear} />
        )}
      </div>
      {isRunning && <progress aria-label={`Progress: ${unit} ${deed}`} className="h-1.5 w-full" value={progress.total ? progress.done + progress.failed : undefined} max={progress.total || undefined} />}
      {progress.failures.length > 0 && (
        <ul className="flex flex-col gap-0.5 text-[0.8125rem] text-danger">
          {progress.failures.map((failure) => (
            <li key={failure.what} className="break-words">
              <bdi className="font-medium">{failure.what}</bdi>: {failure.why}
            </li>
          ))}
          {progress.failed > progress.failures.length && <li>and {progress.failed - progress.failures.length} more</li>}
        </ul>
      )}
    </section>
  );
}

export function describe({ state, done, failed, total, error }: Progress, unit: string, deed: string): string {
  const of = total === undefined ? "" : ` of ${total.toLocaleString()}`;
  const counted = `${done.toLocaleString()}${of} ${unit} ${deed}`;
  const failures = failed > 0 ? `, ${failed.toLocaleString()} refused` : "";
  if (state === "running") return `${counted}${failures} …`;
  if (state === "stopped") return `Stopped: ${counted}${failures}.`;
  if (state === "broken") return `Broken off: ${counted}${failures}. ${explain(error)}`;
  return `${counted}${failures}.`;
}
