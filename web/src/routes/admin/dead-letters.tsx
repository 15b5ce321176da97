/** Messages that were given up: why, and sending them again, one or many. */
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { MailX, RotateCw } from "lucide-react";
import { useState } from "react";
import { api, body, pages, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { ChannelMark } from "../../parts/channel-mark";
import { ConfirmDialog } from "../../parts/dialog";
import { Link } from "../../parts/link";
import { PageBody, PageHeader } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { toast, toastFailure } from "../../parts/toasts";
import { every } from "./shared/every";
import { PagedList } from "./shared/paged-list";
import { SelectAll, SelectOne, type Selection, useSelection } from "./shared/selection";
import { useWork } from "./shared/work";
import { WorkProgress } from "./shared/work-progress";

type Message = Schemas["Message"];

const ABOUT = "Messages whose time ran out before a provider took them. They are sent again only when somebody says so.";

const fetchPage = (cursor: string | undefined, limit: number, signal?: AbortSignal) => body(api.GET("/api/dead-letters", { signal, params: { query: { cursor, limit } } }));

const replay = ({ conversation_id, id }: Message) =>
  body(api.POST("/api/conversations/{id}/messages/{mid}/replay", { params: { path: { id: conversation_id, mid: id } } }));

export function DeadLettersPage() {
  const client = useQueryClient();
  const query = useInfiniteQuery({ queryKey: keys.deadLetters, ...pages((cursor, signal) => fetchPage(cursor, 50, signal)) });
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  const selection = useSelection(rows.map((row) => row.id));
  const work = useWork();
  const [isAsking, setAsking] = useState(false);

  const start = async (items: Iterable<Message> | AsyncIterable<Message>, total?: number) => {
    setAsking(false);
    await work.start({ items, act: replay, nameOf: (message) => `${message.id} to ${[message.to].flat().join(", ")}`, ...(total !== undefined && { total }) });
    selection.clear();
    await client.invalidateQueries({ queryKey: keys.deadLetters });
  };
  const chosen = rows.filter((row) => selection.has(row.id));

  return (
    <PageBody>
      <PageHeader
        title="Dead letters"
        description={ABOUT}
        actions={
          rows.length > 0 && (
            <Button icon={RotateCw} disabled={work.isRunning} onClick={() => setAsking(true)}>
              Send all again
            </Button>
          )
        }
      />
      <WorkProgress work={work} unit="messages" deed="sent again" />
      {rows.length > 0 && (
        <div className="flex flex-wrap items-center justify-between gap-2">
          <SelectAll selection={selection} count={rows.length} noun="messages" />
          <Button size="small" tone="accent" icon={RotateCw} disabled={chosen.length === 0 || work.isRunning} onClick={() => void start(chosen, chosen.length)}>
            Send the chosen again
          </Button>
        </div>
      )}
      <PagedList
        query={query}
        failure="The dead letters could not be loaded"
        empty={
          <EmptyState icon={MailX} title="No dead letters">
            Every message was taken, refused, or is still being tried.
          </EmptyState>
        }
      >
        {(rows) => <Letters rows={rows} selection={selection} isBusy={work.isRunning} />}
      </PagedList>
      <ConfirmDialog
        title="Send every dead letter again?"
        description="Also those that are not on this page yet. Each is tried anew, with a new time limit."
        action="Send all again"
        tone="accent"
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        onConfirm={() => void start(every((cursor) => fetchPage(cursor, 200)))}
      />
    </PageBody>
  );
}

function Letters({ rows, selection, isBusy }: { rows: Message[]; selection: Selection; isBusy: boolean }) {
  return (
    <Table
      caption="Messages that were given up"
      rows={rows}
      keyOf={(message) => message.id}
      columns={[
        { key: "choose", header: "Choose", isHeaderHidden: true, cell: (message) => <SelectOne selection={selection} id={message.id} label={`Choose message ${message.id}`} /> },
        {
          key: "to",
          header: "To",
          cell: (message) => (
            <span className="flex flex-wrap items-center gap-1.5 max-sm:justify-end">
              <ChannelMark channel={message.type} />
              <Link to="/inbox/$conversationId" params={{ conversationId: String(message.conversation_id) }}>
                <bdi>{[message.to].flat().join(", ")}</bdi>
              </Link>
              {message.possible_duplicate && <Badge tone="warn">May be sent already</Badge>}
            </span>
          ),
        },
        {
          key: "text",
          header: "Text",
          cell: (message) => (
            <span dir="auto" className="line-clamp-2 max-w-80 break-words">
              {message.subject || message.text || message.body || "(nothing but attachments)"}
            </span>
          ),
        },
        { key: "why", header: "Why", cell: (message) => <span className="text-ink-muted">{message.status_reason ?? "Its time ran out."}</span> },
        { key: "at", header: "Given up", cell: (message) => <Time at={message.updated_at} form="short" /> },
        { key: "do", header: "Actions", isHeaderHidden: true, align: "end", cell: (message) => <SendAgain message={message} isOff={isBusy} /> },
      ]}
    />
  );
}

function SendAgain({ message, isOff }: { message: Message; isOff: boolean }) {
  const client = useQueryClient();
  const again = useMutation({
    mutationFn: () => replay(message),
    onSuccess: () => {
      toast("It is on its way again");
      return client.invalidateQueries({ queryKey: keys.deadLetters });
    },
    onError: (error) => toastFailure("It could not be sent again", error),
  });
  return (
    <Button size="small" aria-label={`Send again: message ${message.id}`} isBusy={again.isPending} disabled={isOff} onClick={() => again.mutate()}>
      Send again
    </Button>
  );
}
