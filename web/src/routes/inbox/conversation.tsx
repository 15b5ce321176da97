/** One conversation: its header, its thread, where one answers, and what stands beside them. */
import { useQuery } from "@tanstack/react-query";
import { Navigate, useParams } from "@tanstack/react-router";
import { useAtom, useAtomValue, useSetAtom } from "jotai";
import { ArrowLeft, MessageSquareOff, X } from "lucide-react";
import { type ReactNode, Suspense } from "react";
import { conversationQuery } from "../../api/conversations";
import { Problem } from "../../api/problem";
import { IconButton } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { lazyWithRetry } from "../../parts/lazy-with-retry";
import { Link } from "../../parts/link";
import { useMediaQuery, WIDE } from "../../parts/media-query";
import { usePageTitle } from "../../parts/page";
import { SkeletonRows } from "../../parts/skeleton";
import { EmptyState, ErrorState } from "../../parts/states";
import { isContactShownAtom, type Panel, panelAtom } from "../../state/inbox";
import { isAgent, useSession } from "../../state/session";
import { Composer } from "./composer";
import { ConversationHeader } from "./header";
import { type Conversation, titleOf, usernameOf } from "./names";
import { Thread } from "./thread";

const ContactPanel = lazyWithRetry(async () => (await import("./contact")).ContactPanel);
const MessagePanel = lazyWithRetry(async () => (await import("./timeline")).MessagePanel);

export function ConversationPage() {
  const { conversationId } = useParams({ from: "/inside/inbox/$conversationId" });
  const id = Number(conversationId);
  if (!Number.isSafeInteger(id) || id < 1) return <NoSuchConversation />;
  return <OneConversation key={id} id={id} />;
}

function OneConversation({ id }: { id: number }) {
  const query = useQuery(conversationQuery(id));
  if (query.error instanceof Problem && query.error.status === 404) return <NoSuchConversation />;
  if (query.isError && !query.data) {
    return (
      <ErrorState error={query.error} title="The conversation could not be loaded" onRetry={() => void query.refetch()} isRetrying={query.isFetching} />
    );
  }
  // It was joined with another, in which it is shown.
  if (query.data && query.data.id !== id) {
    return <Navigate to="/inbox/$conversationId" params={{ conversationId: String(query.data.id) }} search={(search) => search} replace />;
  }
  return <Opened id={id} conversation={query.data} />;
}

function Opened({ id, conversation }: { id: number; conversation: Conversation | undefined }) {
  const me = usernameOf(useSession());
  usePageTitle(conversation ? titleOf(conversation, me) : "Inbox");
  return (
    <div className="flex h-full min-h-0">
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <div className="flex min-h-14 shrink-0 items-center border-b bg-surface">
          <Link
            to="/inbox"
            search={(search) => search}
            activeOptions={{ exact: true }}
            aria-label="Back to the conversations"
            className="ms-1 grid size-10 shrink-0 place-items-center rounded-md text-ink-muted hover:bg-hover sm:hidden"
          >
            <ArrowLeft aria-hidden="true" className="size-5 rtl:rotate-180" />
          </Link>
          <div className="min-w-0 flex-1">
            <ConversationHeader conversationId={id} />
          </div>
        </div>
        {conversation ? <Thread conversation={conversation} /> : <ThreadSkeleton />}
        <Composer conversationId={id} />
      </div>
      <Beside id={id} kind={conversation?.kind} />
    </div>
  );
}

function ThreadSkeleton() {
  return (
    <div className="flex min-h-0 flex-1 flex-col justify-end overflow-hidden">
      <SkeletonRows count={5} label="Loading the conversation" />
    </div>
  );
}

/** The third column where there is room for it, else a dialog over the page. */
function Beside({ id, kind }: { id: number; kind: Conversation["kind"] | undefined }) {
  const isWide = useMediaQuery(WIDE);
  const isTeam = isAgent(useSession());
  const asked = useAtomValue(panelAtom);
  const setPanel = useSetAtom(panelAtom);
  const [isContactShown, setContactShown] = useAtom(isContactShownAtom);
  const isOurs = asked?.kind !== "message" || asked.conversation === id;
  const isContactKnown = kind === "numbers" && isTeam;
  const standing: Panel | undefined = isWide && isContactShown && isContactKnown ? { kind: "contact" } : undefined;
  const panel = (isOurs ? asked : undefined) ?? standing;
  if (!panel || (panel.kind === "contact" && !isContactKnown)) return null;
  const title = panel.kind === "contact" ? "Contact" : "What happened to it";
  const close = () => {
    setPanel(undefined);
    if (panel.kind === "contact") setContactShown(false);
  };
  const content = (
    <Suspense fallback={<SkeletonRows count={4} />}>
      {panel.kind === "contact" ? <ContactPanel conversationId={id} /> : <MessagePanel conversationId={id} messageId={panel.message} />}
    </Suspense>
  );
  if (isWide) {
    return (
      <Aside title={title} onClose={close}>
        {content}
      </Aside>
    );
  }
  return (
    <Dialog title={title} isOpen onClose={close} size="medium">
      {content}
    </Dialog>
  );
}

function Aside({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  return (
    <aside aria-label={title} className="flex min-h-0 w-80 shrink-0 flex-col border-s bg-surface xl:w-88">
      <div className="flex min-h-14 shrink-0 items-center justify-between gap-2 border-b ps-4 pe-2">
        <h2 className="font-semibold">{title}</h2>
        <IconButton icon={X} label={`Close: ${title}`} onClick={onClose} />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain p-4">{children}</div>
    </aside>
  );
}

function NoSuchConversation() {
  usePageTitle("No such conversation");
  return (
    <EmptyState icon={MessageSquareOff} title="There is no such conversation">
      It may have been joined with another, or it is not yours to see.{" "}
      <Link to="/inbox" search={(search) => search}>
        Back to the conversations
      </Link>
    </EmptyState>
  );
}
