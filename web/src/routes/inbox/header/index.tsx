/** What stands above a thread: who is in it, and what can be done with it. */
export function ConversationHeader({ conversationId }: { conversationId: number }) {
  return <div data-conversation={conversationId} />;
}
