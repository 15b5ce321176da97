/** One conversation in the list: who, when, what was said last, and what of it concerns the team. */
import { useAtomValue } from "jotai";
import { CheckCircle2, Clock, UserRoundPlus } from "lucide-react";
import { memo } from "react";
import { Avatar } from "../../../parts/avatar";
import { Badge, Count } from "../../../parts/badge";
import { ChannelMark } from "../../../parts/channel-mark";
import { classes } from "../../../parts/classes";
import { Link } from "../../../parts/link";
import { meaningOf } from "../../../parts/status";
import { StatusMark } from "../../../parts/status-mark";
import { Time } from "../../../parts/time";
import { draftAtom } from "../../../state/drafts";
import { type Conversation, counterparts, snippetOf, titleOf } from "../names";

export interface ConversationRowProps {
  conversation: Conversation;
  me: string | undefined;
  isOnline: boolean | undefined;
}

const MOST_LABELS = 3;

export const ConversationRow = memo(function ConversationRow({ conversation, me, isOnline }: ConversationRowProps) {
  const { id, kind, last_message: last, unread_count: unread, labels = [], assignee, state } = conversation;
  const title = titleOf(conversation, me);
  const hasDraft = useAtomValue(draftAtom(id)) !== "";
  const isUnread = unread > 0;
  const channel = last?.type ?? conversation.channels.at(-1);
  const isTroubled = last?.direction === "outbound" && ["danger", "warn"].includes(meaningOf(last.status).tone);
  return (
    <Link
      to="/inbox/$conversationId"
      params={{ conversationId: String(id) }}
      search={(search) => search}
      data-row={id}
      className="group relative flex gap-3 border-b px-3 py-2.5 hover:bg-hover focus-visible:-outline-offset-2 aria-[current=page]:bg-accent-soft"
    >
      <span aria-hidden="true" className="absolute inset-y-2 start-0 w-0.75 rounded-full bg-accent opacity-0 group-aria-[current=page]:opacity-100" />
      <Avatar name={kind === "group" ? title : (counterparts(conversation, me)[0] ?? title)} isOnline={isOnline} className="mt-0.5" />
      <span className="flex min-w-0 flex-1 flex-col gap-0.5">
        <span className="flex items-baseline gap-2">
          <bdi className={classes("min-w-0 flex-1 truncate", isUnread ? "font-semibold" : "font-medium")}>{title}</bdi>
          <Time at={last?.timestamp ?? conversation.updated_at} form="list" className={classes("shrink-0 text-xs", isUnread ? "font-medium text-accent" : "text-ink-muted")} />
        </span>
        <span className="flex items-center gap-1.5">
          {channel && <ChannelMark channel={channel} className="shrink-0" />}
          <span className={classes("min-w-0 flex-1 truncate text-[0.8125rem]", isUnread ? "text-ink" : "text-ink-muted")}>
            {hasDraft && <span className="text-danger group-aria-[current=page]:hidden">Draft · </span>}
            {last ? <Snippet conversation={conversation} me={me} /> : "Nothing was said yet"}
          </span>
          {isTroubled && <StatusMark status={last.status} isIconOnly className="shrink-0" />}
          <Count value={unread} label="unread" />
        </span>
        {(labels.length > 0 || assignee || conversation.is_request || state === "snoozed" || state === "closed") && (
          <span className="mt-0.5 flex min-w-0 flex-wrap items-center gap-1">
            {conversation.is_request && (
              <Badge tone="warn">
                <UserRoundPlus aria-hidden="true" className="size-3" />
                Request
              </Badge>
            )}
            {state === "snoozed" && (
              <Badge>
                <Clock aria-hidden="true" className="size-3" />
                Snoozed
              </Badge>
            )}
            {state === "closed" && (
              <Badge>
                <CheckCircle2 aria-hidden="true" className="size-3" />
                Closed
              </Badge>
            )}
            {labels.slice(0, MOST_LABELS).map((label) => (
              <Badge key={label.id} tone="accent" className="max-w-32">
                <bdi className="truncate">{label.name}</bdi>
              </Badge>
            ))}
            {labels.length > MOST_LABELS && <Badge>+{labels.length - MOST_LABELS}</Badge>}
            {assignee && (
              <span className="ms-auto flex min-w-0 items-center gap-1 text-xs text-ink-muted">
                <span className="sr-only">Answered by</span>
                <Avatar name={assignee} size="small" className="size-5" />
                <bdi className="max-w-24 truncate">{assignee === me ? "You" : assignee}</bdi>
              </span>
            )}
          </span>
        )}
      </span>
    </Link>
  );
});

function Snippet({ conversation, me }: { conversation: Conversation; me: string | undefined }) {
  const last = conversation.last_message;
  if (!last) return null;
  const text = snippetOf(last) || (last.type === "chat" ? "A message without text" : "An attachment");
  const isOwn = last.direction === "outbound" && (last.type !== "chat" || last.from === me);
  const author = isOwn ? "You" : conversation.kind === "group" ? last.from : undefined;
  return (
    <>
      {author && (
        <>
          <bdi>{author}</bdi>:{" "}
        </>
      )}
      <bdi>{text}</bdi>
    </>
  );
}
