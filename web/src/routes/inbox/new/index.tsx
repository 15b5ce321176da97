/** Begins a conversation: to whom, by which channel, what. */
export function NewConversation({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return <div hidden={!isOpen} onDoubleClick={onClose} />;
}
