/** A message: who said it, what, where it stands, and what can be done with it. */
import { useSetAtom } from "jotai";
import { Undo2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Message } from "../../../api/thread";
import { Avatar } from "../../../parts/avatar";
import { ChannelMark, channelName } from "../../../parts/channel-mark";
import { classes } from "../../../parts/classes";
import { MessageText } from "../../../parts/message-text";
import { StatusMark } from "../../../parts/status-mark";
import { Time } from "../../../parts/time";
import { panelAtom } from "../../../state/inbox";
import { type Conversation, formatAddress } from "../names";
import { useMessageActs } from "./acts";
import { Attachments } from "./attachments";
import { EditForm } from "./edit-form";
import { EditedMark } from "./history";
import { MailBody, MailHead } from "./mail";
import { MessageMenu } from "./menu";
import { ReactionPicker, Reactions } from "./reactions";
import { ReadBy } from "./read-by";
import type { Reader } from "./row";
import type { MessageRow } from "./rows";
import { Trouble } from "./trouble";

export interface MessageEntryProps {
  row: MessageRow;
  conversation: Conversation;
  reader: Reader;
  isLast: boolean;
}

/** In a chat one's own is what one wrote; the local operator wrote none of it. */
export function isOwn(message: Message, me: string | undefined): boolean {
  return message.type === "chat" ? message.from === me : message.direction === "outbound";
}

export function MessageEntry({ row, conversation, reader, isLast }: MessageEntryProps) {
  const { message, isContinued, isContinuing } = row;
  const { me, isTeam } = reader;
  const acts = useMessageActs(conversation.id);
  const openPanel = useSetAtom(panelAtom);
  const [isEditing, setEditing] = useState(false);
  const [isReacting, setReacting] = useState(false);
  const beside = useRef<HTMLDivElement>(null);
  const wasEditing = useRef(false);
  useEffect(() => {
    // The field that had the focus is gone: it goes to the button it was opened by.
    if (wasEditing.current && !isEditing) beside.current?.querySelector("button")?.focus({ preventScroll: true });
    wasEditing.current = isEditing;
  }, [isEditing]);
  const isMail = message.type === "email";
  const own = isOwn(message, me);
  const isGone = Boolean(message.deleted_at);
  const isChat = message.type === "chat";
  const isMember = isChat && me !== undefined && conversation.participants.includes(me);
  const mayReact = isMember && !isGone && !conversation.is_request;
  const mayHandle = isChat ? own : isTeam;
  const showDetails = () => openPanel({ kind: "message", conversation: conversation.id, message: message.id });
  const isCrowd = conversation.kind === "group" || (isChat && me === undefined);

  return (
    <article
      aria-label={labelOf(message, own)}
      data-message={message.id}
      className={classes("group/message flex gap-2", isContinued ? "pt-0.5" : "pt-2.5", own && !isMail && "justify-end")}
    >
      {isCrowd && !own && <span className="w-6 shrink-0 self-end">{!isContinuing && <Avatar name={message.from} size="small" />}</span>}
      <div className={classes("flex min-w-0 flex-col", isMail ? "w-full" : "max-w-[88%] sm:max-w-[78%]", own && !isMail ? "items-end" : "items-start")}>
        {!isContinued && !isMail && <Author message={message} own={own} me={me} isCrowd={isCrowd || conversation.participants.length > 2} />}
        {isEditing ? (
          <EditForm message={message} acts={acts} onDone={() => setEditing(false)} />
        ) : (
          <div className={classes("relative flex w-full max-w-full min-w-0 items-center gap-1", own && !isMail && "flex-row-reverse")}>
            <Bubble message={message} conversation={conversation} own={own} isContinuing={isContinuing} isLast={isLast} />
            <div
              ref={beside}
              className={classes(
                "flex shrink-0 opacity-0 transition-opacity group-focus-within/message:opacity-100 group-hover/message:opacity-100 has-aria-expanded:opacity-100 [@media(hover:none)]:opacity-70",
                isMail && "absolute end-1.5 top-1.5",
              )}
            >
              <MessageMenu
                message={message}
                acts={acts}
                mayHandle={mayHandle}
                own={own}
                onEdit={() => setEditing(true)}
                onDetails={showDetails}
                onReact={mayReact ? () => setReacting(true) : undefined}
              />
              {mayReact && <ReactionPicker message={message} me={me} acts={acts} anchor={beside} isOpen={isReacting} onChange={setReacting} />}
            </div>
          </div>
        )}
        <Reactions message={message} me={me} acts={acts} mayReact={mayReact} />
        {own && <Trouble message={message} acts={acts} mayHandle={mayHandle} onDetails={showDetails} />}
        {own && isLast && conversation.kind === "group" && <ReadBy message={message} onDetails={showDetails} />}
      </div>
    </article>
  );
}

function labelOf(message: Message, own: boolean): string {
  return `${channelName(message.type)} ${own ? "to" : "from"} ${own ? [message.to].flat().map(formatAddress).join(", ") || "everybody" : formatAddress(message.from)}`;
}

function Author({ message, own, me, isCrowd }: { message: Message; own: boolean; me: string | undefined; isCrowd: boolean }) {
  const name = own ? (message.type === "chat" ? undefined : message.author) : isCrowd ? formatAddress(message.from) : undefined;
  if (!name) return null;
  return <bdi className="mb-0.5 max-w-full truncate px-1 text-xs font-medium text-ink-muted">{name === me ? "You" : name}</bdi>;
}

interface BubbleProps {
  message: Message;
  conversation: Conversation;
  own: boolean;
  isContinuing: boolean;
  isLast: boolean;
}

function Bubble({ message, conversation, own, isContinuing, isLast }: BubbleProps) {
  const isMail = message.type === "email";
  if (message.deleted_at) {
    return (
      <p className="flex items-center gap-1.5 rounded-2xl border border-dashed px-3 py-2 text-ink-muted italic">
        <Undo2 aria-hidden="true" className="size-3.5" />
        Taken back
        <Time at={message.timestamp} className="ms-2 text-xs not-italic" />
      </p>
    );
  }
  return (
    <div
      className={classes(
        "min-w-0 px-3 py-2",
        isMail ? "flex-1 rounded-xl border bg-surface shadow-raised" : "rounded-2xl",
        !isMail && (own ? "bg-accent-soft" : "border bg-surface"),
        !isMail && !isContinuing && (own ? "rounded-ee-md" : "rounded-es-md"),
        isMail && own && "border-s-4 border-s-accent",
      )}
    >
      {isMail ? (
        <>
          <MailHead message={message} />
          <MailBody message={message} />
        </>
      ) : (
        message.body !== "" && <MessageText text={message.body} />
      )}
      <Attachments message={message} conversationId={conversation.id} />
      <footer className="mt-0.5 flex flex-wrap items-center justify-end gap-x-1.5 text-xs text-ink-muted">
        {conversation.channels.length > 1 && <ChannelMark channel={message.type} />}
        {message.edited_at && <EditedMark message={message} />}
        <Time at={message.timestamp} />
        {own && <StatusMark status={message.status} isChat={message.type === "chat"} reason={message.status_reason} isIconOnly={!isLast} />}
      </footer>
    </div>
  );
}
