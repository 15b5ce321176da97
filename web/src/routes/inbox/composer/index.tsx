/** Where an answer is written. */
export function Composer({ conversationId }: { conversationId: number }) {
  return <div data-conversation={conversationId} />;
}
