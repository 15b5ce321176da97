/** What the server says on a live connection. What this version does not know is left out, not guessed. */

/** A change of something that the reader may see, from the log. */
export interface LiveEvent {
  id: number;
  type: string;
  conversationId: number | undefined;
  messageId: number | undefined;
  /** Where it is about several. */
  messageIds: readonly number[];
  /** Where the message stands now, where the event says so. */
  status: string | undefined;
}

export type Frame =
  | { kind: "event"; event: LiveEvent }
  /** The connection begins here. */
  | { kind: "hello"; id: number }
  /** What was missed is more than can be told: read everything anew, and go on from here. */
  | { kind: "reload"; id: number }
  | { kind: "typing"; conversationId: number; userName: string; isTyping: boolean }
  | { kind: "presence"; userName: string; isOnline: boolean };

export function readFrame(text: string): Frame | undefined {
  const frame = record(parsed(text));
  if (typeof frame?.type !== "string") return undefined;
  const data = record(frame.data) ?? {};
  const id = number(frame.id);
  const userName = typeof data.user_name === "string" ? data.user_name : undefined;
  const conversationId = number(data.conversation_id);
  switch (frame.type) {
    case "hello":
    case "reload":
      return id === undefined ? undefined : { kind: frame.type, id };
    case "typing":
      return userName === undefined || conversationId === undefined
        ? undefined
        : { kind: "typing", conversationId, userName, isTyping: data.is_typing === true };
    case "presence":
      return userName === undefined ? undefined : { kind: "presence", userName, isOnline: data.is_online === true };
    default: {
      if (id === undefined) return undefined;
      const status = typeof data.status === "string" ? data.status : undefined;
      const messageIds = Array.isArray(data.message_ids) ? data.message_ids.map(number).filter((id) => id !== undefined) : [];
      return { kind: "event", event: { id, type: frame.type, conversationId, messageId: number(data.message_id), messageIds, status } };
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? { ...value } : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}
