/** What waits to be sent, lane by lane. */
import { Table } from "../../../parts/table";
import { formatDuration } from "../../../parts/time";
import type { Lane } from "./data";

const NAMES: Record<Lane["lane"], string> = { codes: "Login codes", single: "Single messages", bulk: "Batches" };

export function Lanes({ lanes }: { lanes: readonly Lane[] }) {
  return (
    <div className="pb-3">
      <Table
        caption="What waits, lane by lane"
        rows={lanes}
        keyOf={(lane) => lane.lane}
        columns={[
          { key: "lane", header: "Lane", cell: (lane) => NAMES[lane.lane] },
          { key: "due", header: "Waiting now", align: "end", cell: (lane) => lane.due.toLocaleString() },
          { key: "later", header: "For later", align: "end", cell: (lane) => lane.later.toLocaleString() },
          { key: "oldest", header: "The oldest has waited", align: "end", cell: (lane) => (lane.oldest_seconds === null ? "–" : formatDuration(lane.oldest_seconds * 1000)) },
        ]}
      />
    </div>
  );
}
