/** Who did what, the newest first. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useState } from "react";
import { api, body, pages, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { PageBody, PageHeader } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { ACTIONS, actorName, deedOf, details, targetName } from "./audit/words";
import { PagedList } from "./shared/paged-list";

type Entry = Schemas["AuditEntry"];
interface Filter {
  actor?: string;
  action?: string;
}

const ABOUT = "What was done to accounts, keys, members, settings and providers. Nobody can change what stands here.";

export function AuditPage() {
  const [filter, setFilter] = useState<Filter>({});
  const query = useInfiniteQuery({
    queryKey: keys.audit(filter),
    ...pages((cursor, signal) => body(api.GET("/api/audit", { signal, params: { query: { ...filter, cursor, limit: 100 } } }))),
  });
  const isFiltered = filter.actor !== undefined || filter.action !== undefined;
  return (
    <PageBody>
      <PageHeader title="Audit" description={ABOUT} />
      <FilterForm key={JSON.stringify(filter)} filter={filter} onFilter={setFilter} />
      <PagedList
        query={query}
        failure="The audit could not be loaded"
        skeletonRows={8}
        empty={
          isFiltered ? (
            <EmptyState icon={History} title="Nothing of that kind" action={<Button onClick={() => setFilter({})}>Show everything</Button>}>
              Actors are written as operator, user:3 or key:7; deeds as key.created.
            </EmptyState>
          ) : (
            <EmptyState icon={History} title="Nothing was done yet" />
          )
        }
      >
        {(rows) => <Entries rows={rows} onFilter={setFilter} />}
      </PagedList>
    </PageBody>
  );
}

function FilterForm({ filter, onFilter }: { filter: Filter; onFilter: (filter: Filter) => void }) {
  const [actor, setActor] = useState(filter.actor ?? "");
  const [action, setAction] = useState(filter.action ?? "");
  return (
    <form
      className="flex flex-wrap items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        onFilter({ ...(actor.trim() && { actor: actor.trim() }), ...(action.trim() && { action: action.trim() }) });
      }}
    >
      <TextField label="Deed" list="audit-actions" placeholder="key.created" autoComplete="off" dir="ltr" value={action} onChange={(event) => setAction(event.target.value)} className="w-full sm:w-52" />
      <datalist id="audit-actions">
        {Object.entries(ACTIONS).map(([name, words]) => (
          <option key={name} value={name}>
            {words}
          </option>
        ))}
      </datalist>
      <TextField label="Whose" placeholder="operator, user:3, key:7" autoComplete="off" dir="ltr" value={actor} onChange={(event) => setActor(event.target.value)} className="w-full sm:w-52" />
      <Button type="submit">Show</Button>
      {(filter.actor !== undefined || filter.action !== undefined) && (
        <Button tone="quiet" onClick={() => onFilter({})}>
          Show everything
        </Button>
      )}
    </form>
  );
}

function Entries({ rows, onFilter }: { rows: Entry[]; onFilter: (filter: Filter) => void }) {
  return (
    <Table
      caption="What was done"
      rows={rows}
      keyOf={(entry) => entry.id}
      columns={[
        { key: "at", header: "When", cell: (entry) => <Time at={entry.at} form="exact" className="text-ink-muted" /> },
        {
          key: "who",
          header: "Whose doing",
          cell: (entry) => (
            <button type="button" title={`Show what ${actorName(entry)} did`} onClick={() => onFilter({ actor: entry.actor })} className="min-h-10 rounded-xs text-start hover:underline sm:min-h-0">
              <bdi>{actorName(entry)}</bdi>
            </button>
          ),
        },
        {
          key: "what",
          header: "What",
          cell: (entry) => (
            <>
              <span className="font-medium">{deedOf(entry)}</span> <code className="text-xs text-ink-muted">{entry.action}</code>
            </>
          ),
        },
        { key: "to", header: "To what", cell: (entry) => <bdi>{targetName(entry)}</bdi> },
        { key: "data", header: "Details", cell: ({ data }) => details(data) && <span className="text-xs [overflow-wrap:anywhere] text-ink-muted">{details(data)}</span> },
      ]}
    />
  );
}
