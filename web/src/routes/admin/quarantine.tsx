/** What came in and was not understood: looking at it, reading it again, and throwing it away, one or many. */
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCw, ShieldQuestion, Trash2 } from "lucide-react";
import { useState } from "react";
import { api, body, done, pages, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { Button } from "../../parts/button";
import { CopyButton } from "../../parts/copy-button";
import { ConfirmDialog, Dialog } from "../../parts/dialog";
import { PageBody, PageHeader } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { PagedList } from "./shared/paged-list";
import { pretty } from "./shared/pretty";
import { SelectAll, SelectOne, type Selection, useSelection } from "./shared/selection";
import { useWork } from "./shared/work";
import { WorkProgress } from "./shared/work-progress";

type Quarantined = Schemas["Quarantined"];

const ABOUT = "Webhooks that said something unreadable. Nothing is lost: mend what was wrong, and read them again.";
const MOST_SHOWN = 100_000;

const replay = ({ id }: Quarantined) => body(api.POST("/api/quarantine/{id}/replay", { params: { path: { id } } }));
const remove = ({ id }: Quarantined) => done(api.DELETE("/api/quarantine/{id}", { params: { path: { id } } }));

export function QuarantinePage() {
  const client = useQueryClient();
  const query = useInfiniteQuery({
    queryKey: keys.quarantine,
    ...pages((cursor, signal) => body(api.GET("/api/quarantine", { signal, params: { query: { cursor, limit: 50 } } }))),
  });
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  const selection = useSelection(rows.map((row) => row.id));
  const work = useWork();
  const [deed, setDeed] = useState("read");
  const [opened, setOpened] = useState<Quarantined>();
  const [doomed, setDoomed] = useState<Quarantined[]>([]);
  const chosen = rows.filter((row) => selection.has(row.id));

  const start = async (items: Quarantined[], act: (item: Quarantined) => Promise<unknown>, deed: string) => {
    setDeed(deed);
    setDoomed([]);
    setOpened(undefined);
    await work.start({ items, total: items.length, act, nameOf: (item) => `${item.id} of ${item.path}` });
    selection.clear();
    await client.invalidateQueries({ queryKey: keys.quarantine });
  };

  return (
    <PageBody>
      <PageHeader title="Quarantine" description={ABOUT} />
      <WorkProgress work={work} unit={chosen.length === 1 ? "entry" : "entries"} deed={deed} />
      {rows.length > 0 && (
        <div className="flex flex-wrap items-center justify-between gap-2">
          <SelectAll selection={selection} count={rows.length} noun="entries" />
          <div className="flex flex-wrap gap-2">
            <Button size="small" icon={RotateCw} disabled={chosen.length === 0 || work.isRunning} onClick={() => void start(chosen, replay, "read")}>
              Read the chosen again
            </Button>
            <Button size="small" icon={Trash2} disabled={chosen.length === 0 || work.isRunning} onClick={() => setDoomed(chosen)}>
              Delete the chosen
            </Button>
          </div>
        </div>
      )}
      <PagedList
        query={query}
        failure="The quarantine could not be loaded"
        empty={
          <EmptyState icon={ShieldQuestion} title="Nothing is in quarantine">
            Everything that came in was understood.
          </EmptyState>
        }
      >
        {(rows) => <Entries rows={rows} selection={selection} onOpen={setOpened} />}
      </PagedList>
      <Dialog
        size="large"
        title={opened ? `What came to ${opened.path}` : "What came"}
        description={opened?.reason}
        isOpen={opened !== undefined}
        onClose={() => setOpened(undefined)}
        footer={
          opened && (
            <>
              <Button onClick={() => setDoomed([opened])}>Delete</Button>
              <Button tone="accent" disabled={work.isRunning} onClick={() => void start([opened], replay, "read")}>
                Read it again
              </Button>
            </>
          )
        }
      >
        {opened && <Raw text={opened.raw} />}
      </Dialog>
      <ConfirmDialog
        title={doomed.length === 1 ? "Delete this entry?" : `Delete ${doomed.length} entries?`}
        description="What they said is gone for good."
        action="Delete"
        isOpen={doomed.length > 0}
        onClose={() => setDoomed([])}
        onConfirm={() => void start(doomed, remove, "deleted")}
      />
    </PageBody>
  );
}

function Raw({ text }: { text: string }) {
  const shown = pretty(text);
  return (
    <div className="flex flex-col gap-2">
      <pre
        // Without it the keyboard could not scroll.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        dir="ltr"
        className="max-h-[50dvh] overflow-auto rounded-md border bg-sunken p-3 font-mono text-xs break-all whitespace-pre-wrap"
      >
        {shown.slice(0, MOST_SHOWN)}
      </pre>
      {shown.length > MOST_SHOWN && <p className="text-xs text-ink-muted">Its beginning; {(shown.length - MOST_SHOWN).toLocaleString()} more characters are left out here.</p>}
      <CopyButton className="self-start" text={text} label="Copy what came" />
    </div>
  );
}

function Entries({ rows, selection, onOpen }: { rows: Quarantined[]; selection: Selection; onOpen: (row: Quarantined) => void }) {
  return (
    <Table
      caption="What was not understood"
      rows={rows}
      keyOf={(row) => row.id}
      columns={[
        { key: "choose", header: "Choose", isHeaderHidden: true, cell: (row) => <SelectOne selection={selection} id={row.id} label={`Choose entry ${row.id}`} /> },
        { key: "at", header: "Came", cell: (row) => <Time at={row.received_at} form="short" /> },
        { key: "path", header: "To", cell: (row) => <code className="font-mono text-xs break-all">{row.path}</code> },
        { key: "why", header: "Why", cell: (row) => <span className="break-words">{row.reason}</span> },
        {
          key: "do",
          header: "Actions",
          isHeaderHidden: true,
          align: "end",
          cell: (row) => (
            <Button size="small" aria-label={`Look at it: entry ${row.id}`} onClick={() => onOpen(row)}>
              Look at it
            </Button>
          ),
        },
      ]}
    />
  );
}
