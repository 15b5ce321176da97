/** The inbox: the conversations, and the one that is open. On phones one or the other. */
import { Outlet, useNavigate, useParams } from "@tanstack/react-router";
import { useAtom, useAtomValue } from "jotai";
import { MessageSquare } from "lucide-react";
import { Suspense, useEffect, useRef, useState } from "react";
import { classes } from "../../parts/classes";
import { lazyWithRetry } from "../../parts/lazy-with-retry";
import { usePageTitle } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { unopened } from "../../parts/toasts";
import { panelAtom } from "../../state/inbox";
import { areKeysOnAtom } from "../../state/preferences";
import { focusComposer } from "./composer/focus";
import { focusRow, isFocusLost } from "./focus";
import { useInboxKeys } from "./keyboard";
import { ConversationList } from "./list";
import type { ListHandle } from "./list/rows";

export { ConversationPage } from "./conversation";

const NewConversationDialog = lazyWithRetry(async () => (await import("./new/dialog")).NewConversationDialog);
const KeySheet = lazyWithRetry(async () => (await import("./key-sheet")).KeySheet);

export function InboxPage() {
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<ListHandle>(null);
  const pane = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState<"new" | "keys" | undefined>();
  const { conversationId } = useParams({ strict: false });
  const navigate = useNavigate();
  const [panel, setPanel] = useAtom(panelAtom);
  const isOpen = conversationId !== undefined;
  const close = () => setShown(undefined);

  useInboxKeys({
    move: (step) => list.current?.move(step),
    search: () => search.current?.focus(),
    reply: focusComposer,
    compose: () => setShown("new"),
    help: () => setShown("keys"),
    back: () => {
      if (panel) setPanel(undefined);
      else if (isOpen) void navigate({ to: "/inbox", search: (before) => before });
    },
  });

  // On phones the list and the thread take each other's place, and the focus would be lost with what it was on.
  useEffect(() => {
    if (conversationId === undefined) return;
    if (isFocusLost()) pane.current?.focus({ preventScroll: true });
    return () => void requestAnimationFrame(() => isFocusLost() && focusRow(conversationId));
  }, [conversationId]);

  return (
    <div className="relative flex h-full min-h-0">
      <section aria-label="Conversation list" className={classes("min-h-0 w-full shrink-0 border-e bg-surface sm:block sm:w-72 lg:w-84", isOpen && "max-sm:invisible")}>
        {/* It keeps its place under the thread: what is not laid out forgets how far it was scrolled. */}
        <ConversationList searchRef={search} listRef={list} onNew={() => setShown("new")} />
      </section>
      <div ref={pane} tabIndex={-1} className={classes("min-h-0 min-w-0 flex-1", isOpen ? "max-sm:absolute max-sm:inset-0" : "max-sm:hidden")}>
        <Outlet />
      </div>
      <Suspense>
        {shown === "new" && <NewConversationDialog onClose={close} onFailure={unopened(close)} />}
        {shown === "keys" && <KeySheet onClose={close} onFailure={unopened(close)} />}
      </Suspense>
    </div>
  );
}

export function NothingChosen() {
  const areKeysOn = useAtomValue(areKeysOnAtom);
  usePageTitle("Inbox");
  return (
    <div className="grid h-full place-items-center">
      <EmptyState icon={MessageSquare} title="Choose a conversation">
        {areKeysOn && (
          <>
            <kbd>j</kbd> and <kbd>k</kbd> go through the list, <kbd>Enter</kbd> opens, <kbd>?</kbd> shows all keys.
          </>
        )}
      </EmptyState>
    </div>
  );
}
