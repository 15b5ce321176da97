/** Begins a conversation: to whom, by which channel, what. Its code is fetched when it is opened. */
import { lazy, Suspense } from "react";

const NewConversationDialog = lazy(() => import("./dialog").then((module) => ({ default: module.NewConversationDialog })));

export function NewConversation({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  if (!isOpen) return null;
  return (
    <Suspense>
      <NewConversationDialog onClose={onClose} />
    </Suspense>
  );
}
