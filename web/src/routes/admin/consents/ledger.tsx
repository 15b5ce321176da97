/** Changes of consent, each with what shows it. */
import type { Schemas } from "../../../api/client";
import { Badge } from "../../../parts/badge";
import { Table } from "../../../parts/table";
import { Time } from "../../../parts/time";
import { CHANNELS, evidenceOf, sourceOf, STATES } from "./words";

type Consent = Schemas["Consent"];

export function Ledger({ rows, onAddress }: { rows: Consent[]; onAddress: (address: string) => void }) {
  return (
    <Table
      caption="Changes of consent, the newest first"
      rows={rows}
      keyOf={(row) => row.id}
      columns={[
        { key: "at", header: "When", cell: (row) => <Time at={row.at} form="short" className="text-ink-muted" /> },
        {
          key: "address",
          header: "Address",
          cell: (row) => (
            <button type="button" title={`Look ${row.address} up`} onClick={() => onAddress(row.address)} className="min-h-10 rounded-xs text-start break-all hover:underline sm:min-h-0">
              <bdi>{row.address}</bdi>
            </button>
          ),
        },
        { key: "channel", header: "On", cell: (row) => CHANNELS[row.channel] },
        { key: "state", header: "State", cell: (row) => <Badge tone={STATES[row.state].tone}>{STATES[row.state].label}</Badge> },
        { key: "source", header: "How", cell: (row) => `${sourceOf(row)}${row.actor ? `, ${row.actor}` : ""}` },
        { key: "evidence", header: "Evidence", cell: (row) => <Evidence row={row} /> },
      ]}
    />
  );
}

export function Evidence({ row }: { row: Consent }) {
  const evidence = evidenceOf(row);
  if (evidence.length === 0) return <span className="text-ink-muted">None</span>;
  return (
    <span className="flex flex-col text-xs">
      {evidence.map(({ name, value }) => (
        <span key={name} className="break-words">
          <span className="text-ink-muted">{name}: </span>
          <bdi>{value}</bdi>
        </span>
      ))}
    </span>
  );
}
