/** What stands above a thread: with whom it is, how it stands, and what can be done with it. */
import { useQuery } from "@tanstack/react-query";
import { useAtomValue, useSetAtom } from "jotai";
import { AlarmClock, Contact, Users } from "lucide-react";
import { Suspense, useState } from "react";
import { contactQuery, conversationQuery, type Conversation } from "../../../api/conversations";
import { Avatar } from "../../../parts/avatar";
import { Badge } from "../../../parts/badge";
import { IconButton } from "../../../parts/button";
import { ChannelMark } from "../../../parts/channel-mark";
import { lazyWithRetry } from "../../../parts/lazy-with-retry";
import { useMediaQuery, WIDE } from "../../../parts/media-query";
import { Skeleton } from "../../../parts/skeleton";
import { unopened } from "../../../parts/toasts";
import { formatMoment } from "../../../parts/when";
import { isContactShownAtom, panelAtom, toggleContactAtom } from "../../../state/inbox";
import { presenceAtom } from "../../../state/live";
import { isAgent, useSession } from "../../../state/session";
import { counterparts, formatAddress, titleOf, usernameOf } from "../names";
import { Assign } from "./assign";
import { LabelPicker, Labels } from "./labels";
import { RequestBanner } from "./request";
import { Standing } from "./standing";

const MembersDialog = lazyWithRetry(async () => (await import("./members-dialog")).MembersDialog);

export function ConversationHeader({ conversationId }: { conversationId: number }) {
  const { data: conversation } = useQuery(conversationQuery(conversationId));
  if (!conversation) {
    return (
      <div className="flex min-h-14 items-center gap-3 px-3 sm:px-4">
        <Skeleton className="size-9 rounded-full" />
        <Skeleton className="h-4 w-40" />
      </div>
    );
  }
  return <Opened conversation={conversation} />;
}

function Opened({ conversation }: { conversation: Conversation }) {
  const session = useSession();
  const me = usernameOf(session);
  const isTeam = conversation.kind === "numbers" && isAgent(session);
  const title = titleOf(conversation, me);
  return (
    <header className="@container min-w-0">
      <div className="flex min-h-14 min-w-0 items-center gap-2 px-1.5 sm:gap-3 sm:px-4">
        <Face conversation={conversation} title={title} me={me} />
        <div className="min-w-0 flex-1">
          <h1 className="truncate text-[0.9375rem] font-semibold">
            <bdi>{title}</bdi>
          </h1>
          <Below conversation={conversation} me={me} title={title} isTeam={isTeam} />
        </div>
        <div className="flex shrink-0 items-center">
          {isTeam && (
            <>
              <Assign conversation={conversation} />
              <span className="max-sm:hidden">
                <LabelPicker conversation={conversation} />
              </span>
              <Standing conversation={conversation} />
              <ContactToggle />
            </>
          )}
          {conversation.kind !== "numbers" && <MembersButton conversation={conversation} />}
        </div>
      </div>
      {(conversation.labels?.length ?? 0) > 0 && isTeam && (
        <div className="px-3 pb-2 sm:px-4">
          <Labels conversation={conversation} />
        </div>
      )}
      {conversation.is_request === true && me !== undefined && <RequestBanner conversation={conversation} name={title} />}
    </header>
  );
}

function Face({ conversation, title, me }: { conversation: Conversation; title: string; me: string | undefined }) {
  const presence = useAtomValue(presenceAtom);
  const [only] = counterparts(conversation, me);
  const isOnline = conversation.kind === "direct" && only !== undefined ? (presence.get(only) ?? false) : undefined;
  return <Avatar name={title} isOnline={isOnline} className="hidden! min-[26rem]:inline-grid!" />;
}

/** The addresses, the channels, and how it stands where that is not just open. */
function Below({ conversation, me, title, isTeam }: { conversation: Conversation; me: string | undefined; title: string; isTeam: boolean }) {
  const presence = useAtomValue(presenceAtom);
  const { kind, state, channels, participants, snoozed_until: until } = conversation;
  const contactId = conversation.contact?.id;
  const contact = useQuery({ ...contactQuery(contactId ?? 0), enabled: contactId !== undefined && isTeam }).data;
  // A joined conversation holds several addresses of ours too.
  const others = contact?.addresses ?? counterparts(conversation, me);
  const [only] = others;
  const people = others.map(formatAddress).join(", ");
  const status = kind === "direct" && only !== undefined ? (presence.get(only) ? "Online" : "Offline") : kind === "group" ? `${participants.length} people` : people;
  return (
    <p className="flex min-w-0 items-center gap-1.5 text-xs text-ink-muted">
      {channels.map((channel) => (
        <ChannelMark key={channel} channel={channel} />
      ))}
      {status !== title && <bdi className="truncate">{status}</bdi>}
      {state === "closed" && <Badge>Closed</Badge>}
      {state === "snoozed" && (
        <Badge tone="warn">
          <AlarmClock aria-hidden="true" className="size-3" />
          <span className="truncate">{until ? formatMoment(new Date(until)) : "Snoozed"}</span>
        </Badge>
      )}
    </p>
  );
}

function ContactToggle() {
  const isWide = useMediaQuery(WIDE);
  const isShown = useAtomValue(isContactShownAtom);
  const panel = useAtomValue(panelAtom);
  const toggle = useSetAtom(toggleContactAtom);
  const isPressed = panel?.kind === "message" ? false : isWide ? isShown : panel?.kind === "contact";
  return <IconButton icon={Contact} label="Contact" aria-pressed={isPressed} onClick={() => toggle(isWide)} />;
}

function MembersButton({ conversation }: { conversation: Conversation }) {
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <IconButton icon={Users} label={conversation.kind === "group" ? "The group" : "In this conversation"} onClick={() => setOpen(true)} />
      {isOpen && (
        <Suspense>
          <MembersDialog conversation={conversation} onClose={close} onFailure={unopened(close)} />
        </Suspense>
      )}
    </>
  );
}
