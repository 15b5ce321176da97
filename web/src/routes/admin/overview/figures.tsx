/** The span in numbers, each with where to go on. */
import type { ReactNode } from "react";
import { classes } from "../../../parts/classes";
import { Link } from "../../../parts/link";
import { formatDuration } from "../../../parts/time";
import type { Minute, Overview } from "./data";

/** The server counts no further. */
const MOST_COUNTED = 10_000;

export function Figures({ overview }: { overview: Overview }) {
  const sum = (name: "accepted" | "delivered" | "failed" | "unknown") => overview.minutes.reduce((all, minute: Minute) => all + minute[name], 0);
  const { p50_ms, p95_ms, messages } = overview.delivery;
  const due = overview.queue?.reduce((all, lane) => all + lane.due, 0);
  return (
    <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4">
      <Figure name="Accepted" value={sum("accepted").toLocaleString()} />
      <Figure name="Delivered" value={sum("delivered").toLocaleString()} />
      <Figure name="Failed" value={sum("failed").toLocaleString()} tone={sum("failed") > 0 ? "text-danger" : undefined} />
      <Figure name="Unknown" value={sum("unknown").toLocaleString()} tone={sum("unknown") > 0 ? "text-warn" : undefined} />
      <Figure name="Time to delivery" value={p50_ms === null ? "–" : formatDuration(p50_ms)} note={p95_ms === null ? "nothing was delivered" : `95 of 100 within ${formatDuration(p95_ms)}, of ${messages.toLocaleString()}`} />
      {due !== undefined && <Figure name="Waiting now" value={due.toLocaleString()} note={<Link to="/admin/providers">Providers</Link>} />}
      <Figure name="Dead letters" value={counted(overview.dead_letters)} note={overview.dead_letters > 0 && <Link to="/admin/dead-letters">Send them again</Link>} />
      <Figure name="In quarantine" value={counted(overview.quarantined)} note={overview.quarantined > 0 && <Link to="/admin/quarantine">Look at them</Link>} />
    </dl>
  );
}

export function counted(value: number): string {
  return value >= MOST_COUNTED ? `${MOST_COUNTED.toLocaleString()} or more` : value.toLocaleString();
}

function Figure({ name, value, note, tone }: { name: string; value: string; note?: ReactNode; tone?: string | undefined }) {
  return (
    <div className="min-w-0 rounded-xl border bg-surface px-4 py-3 shadow-raised">
      <dt className="text-xs text-ink-muted">{name}</dt>
      <dd className={classes("text-xl font-semibold tracking-tight tabular-nums", tone)}>{value}</dd>
      {note && <dd className="text-xs text-ink-muted">{note}</dd>}
    </div>
  );
}
