/** How one address stands on each channel. */
import type { Schemas } from "../../../api/client";
import { Badge } from "../../../parts/badge";
import { Time } from "../../../parts/time";
import { CHANNELS, STATES, standingsOf } from "./words";

export function Standings({ address, rows }: { address: string; rows: readonly Schemas["Consent"][] }) {
  const standings = standingsOf(rows);
  if (standings.length === 0) return null;
  return (
    <section aria-label={`How ${address} stands`} className="flex flex-wrap gap-3">
      {standings.map((row) => (
        <p key={row.channel} className="flex flex-wrap items-center gap-2 rounded-lg border bg-surface px-4 py-2.5">
          <span className="font-medium">{CHANNELS[row.channel]}</span>
          <Badge tone={STATES[row.state].tone}>{STATES[row.state].label}</Badge>
          <span className="text-[0.8125rem] text-ink-muted">
            since <Time at={row.at} form="short" />
          </span>
        </p>
      ))}
    </section>
  );
}
