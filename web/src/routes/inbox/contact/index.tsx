/** Who the other one is: addresses, name, notes, consent. */
export function ContactPanel({ conversationId }: { conversationId: number }) {
  return <div data-conversation={conversationId} />;
}
