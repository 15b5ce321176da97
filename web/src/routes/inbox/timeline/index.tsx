/** Everything that happened to one message: where it stands for each recipient, and every try, report and telling. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Message } from "../../../api/thread";
import type { Tone } from "../../../parts/badge";
import { channelName } from "../../../parts/channel-mark";
import { classes } from "../../../parts/classes";
import { keyed } from "../../../parts/keyed";
import { Skeleton } from "../../../parts/skeleton";
import { ErrorState } from "../../../parts/states";
import { explainReason, meaningOf } from "../../../parts/status";
import { StatusMark } from "../../../parts/status-mark";
import { Time } from "../../../parts/time";
import { formatAddress } from "../names";
import { messageQuery, timelineQuery } from "./query";
import { type Entry, tell } from "./words";

export function MessagePanel({ conversationId, messageId }: { conversationId: number; messageId: number }) {
  const query = useQuery(messageQuery(conversationId, messageId));
  if (query.isPending) return <PanelSkeleton />;
  if (query.isError) {
    return <ErrorState error={query.error} title="The message could not be loaded" onRetry={() => void query.refetch()} isRetrying={query.isFetching} />;
  }
  return (
    <div className="flex flex-col gap-5">
      <Facts message={query.data} />
      <Recipients message={query.data} />
      <Timeline conversationId={conversationId} message={query.data} />
    </div>
  );
}

function PanelSkeleton() {
  return (
    <div role="status" className="flex flex-col gap-3">
      <span className="sr-only">Loading</span>
      <Skeleton className="h-5 w-32" />
      <Skeleton className="h-16 w-full" />
      <Skeleton className="h-5 w-24" />
      <Skeleton className="h-40 w-full" />
    </div>
  );
}

function Facts({ message }: { message: Message }) {
  const { segments, scheduled_at: scheduled, deliver_by: deliverBy, possible_duplicate: isDouble, status, status_reason: reason } = message;
  const isChat = message.type === "chat";
  const meaning = meaningOf(status, isChat);
  return (
    <section aria-label="The message" className="flex flex-col gap-2">
      <div className="flex flex-col gap-0.5">
        <StatusMark status={status} isChat={isChat} className="text-sm font-semibold" />
        <p className="break-words text-ink-muted">
          {meaning.sentence} {reason && explainReason(reason)}
        </p>
        {isDouble && <p className="text-warn">It may have been sent more than once.</p>}
      </div>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1 text-[0.8125rem]">
        <Fact name="Channel">{channelName(message.type)}</Fact>
        <Fact name="From">
          <bdi className="break-words">{formatAddress(message.from)}</bdi>
        </Fact>
        {message.author && (
          <Fact name="Written by">
            <bdi>{message.author}</bdi>
          </Fact>
        )}
        <Fact name="Written">
          <Time at={message.timestamp} form="exact" />
        </Fact>
        <Fact name="Accepted">
          <Time at={message.created_at} form="exact" />
        </Fact>
        {scheduled && (
          <Fact name="Scheduled">
            <Time at={scheduled} form="exact" />
          </Fact>
        )}
        {deliverBy && !message.final && (
          <Fact name="Tried until">
            <Time at={deliverBy} form="exact" />
          </Fact>
        )}
        {segments && (
          <Fact name="Segments">
            {segments.count} in {segments.encoding}
          </Fact>
        )}
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-muted">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  );
}

function Recipients({ message }: { message: Message }) {
  const { recipients, receipts } = message;
  if (recipients.length === 0 && !receipts) return null;
  return (
    <section className="flex flex-col gap-1.5">
      <h3 className="font-semibold">{message.direction === "inbound" && message.type !== "chat" ? "It came to" : "For each recipient"}</h3>
      {receipts && (
        <p className="text-ink-muted">
          To {receipts.sent}: {receipts.delivered} have it, {receipts.read} read it.
        </p>
      )}
      <ul className="flex flex-col">
        {recipients.map(({ address, kind, status }) => (
          <li key={`${kind}:${address}`} className="flex items-center justify-between gap-3 border-b py-1.5 last:border-b-0">
            <span className="min-w-0 truncate">
              <bdi>{formatAddress(address)}</bdi>
              {kind === "cc" && <span className="text-ink-muted"> (cc)</span>}
            </span>
            <StatusMark status={status} isChat={message.type === "chat"} />
          </li>
        ))}
      </ul>
    </section>
  );
}

const DOTS: Record<Tone, string> = { plain: "bg-line-strong", accent: "bg-accent", ok: "bg-ok", warn: "bg-warn", danger: "bg-danger" };

function Timeline({ conversationId, message }: { conversationId: number; message: Message }) {
  const query = useQuery(timelineQuery(conversationId, message));
  return (
    <section className="flex flex-col gap-2">
      <h3 className="font-semibold">What happened</h3>
      {query.isPending && <Skeleton className="h-40 w-full" />}
      {query.isError && (
        <ErrorState error={query.error} title="The timeline could not be loaded" onRetry={() => void query.refetch()} isRetrying={query.isFetching} />
      )}
      {query.data && (
        <ol className="flex flex-col">
          {keyed(query.data.data, ({ at, kind }) => `${kind} ${at}`).map(({ key, item }, index) => (
            <Step key={key} entry={item} message={message} isLast={index === query.data.data.length - 1} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Step({ entry, message, isLast }: { entry: Entry; message: Message; isLast: boolean }) {
  const { title, details, tone } = tell(entry, message.recipients.map(({ address }) => formatAddress(address)));
  const isIncoming = entry.kind === "accepted" && message.direction === "inbound" && message.type !== "chat";
  return (
    <li className="relative flex gap-3 pb-4 last:pb-0">
      {!isLast && <span aria-hidden="true" className="absolute start-[0.3125rem] top-3.5 -bottom-1 w-px bg-line" />}
      <span aria-hidden="true" className={classes("mt-1.5 size-2.5 shrink-0 rounded-full", DOTS[tone])} />
      <div className="min-w-0 flex-1">
        <p className="font-medium break-words">{isIncoming ? "It came in" : title}</p>
        {details.map((detail) => (
          <p key={detail} dir="auto" className="text-[0.8125rem] break-words text-ink-muted">
            {detail}
          </p>
        ))}
        <Time at={entry.at} form="exact" className="text-xs text-ink-muted" />
      </div>
    </li>
  );
}
