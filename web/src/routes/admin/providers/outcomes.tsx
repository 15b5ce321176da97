/** How a provider's last attempts ended: a bar, and the numbers in words. */
import type { Schemas } from "../../../api/client";
import { classes } from "../../../parts/classes";

type Recent = Schemas["RecentAttempts"];

const OUTCOMES = [
  { key: "accepted", label: "taken", colour: "bg-ok" },
  { key: "retry", label: "to try again", colour: "bg-accent" },
  { key: "doubtful", label: "doubtful", colour: "bg-warn" },
  { key: "unknown", label: "unknown", colour: "bg-line-strong" },
  { key: "rejected", label: "refused", colour: "bg-danger" },
] as const;

export function Outcomes({ recent }: { recent: Recent }) {
  const all = OUTCOMES.reduce((sum, { key }) => sum + recent[key], 0);
  return (
    <div className="flex flex-col gap-1.5">
      <h3 className="text-xs text-ink-muted">Attempts of the last {recent.minutes} minutes</h3>
      <div aria-hidden="true" className="flex h-2 overflow-hidden rounded-full bg-sunken">
        {OUTCOMES.map(({ key, colour }) => recent[key] > 0 && <span key={key} className={colour} style={{ width: `${(recent[key] / all) * 100}%` }} />)}
      </div>
      {all === 0 ? (
        <p className="text-[0.8125rem] text-ink-muted">None</p>
      ) : (
        <ul className="flex flex-wrap gap-x-4 gap-y-0.5 text-[0.8125rem]">
          {OUTCOMES.map(({ key, label, colour }) => (
            <li key={key} className={classes("inline-flex items-center gap-1.5 tabular-nums", recent[key] === 0 && "text-ink-muted")}>
              <span aria-hidden="true" className={classes("size-2 rounded-full", colour)} />
              {recent[key].toLocaleString()} {label}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
