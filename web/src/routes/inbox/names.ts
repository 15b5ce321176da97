/** What a conversation and the people in it are called. */
import type { Schemas } from "../../api/client";
import type { Session } from "../../state/session";

export type Conversation = Schemas["Conversation"];

type Named = Pick<Conversation, "kind" | "name" | "contact" | "participants" | "last_message">;

/** The username of whoever reads; nobody's for the local operator. */
export function usernameOf(session: Session): string | undefined {
  return session.kind === "user" ? session.user.username : undefined;
}

/** Everybody but the reader, or but the workspace's own address. */
export function counterparts({ kind, participants, last_message: last }: Omit<Named, "name" | "contact">, me: string | undefined): string[] {
  if (kind !== "numbers") {
    const others = participants.filter((name) => name !== me);
    return others.length > 0 ? others : participants;
  }
  if (!last) return participants;
  if (last.direction === "outbound") {
    const others = participants.filter((address) => address !== last.from);
    return others.length > 0 ? others : participants;
  }
  // Which of several got it as the workspace is not told.
  if (participants.length === 2) return [last.from];
  return [last.from, ...participants.filter((address) => address !== last.from)];
}

export function titleOf(conversation: Named, me: string | undefined): string {
  if (conversation.name) return conversation.name;
  if (conversation.contact) return conversation.contact.name;
  return counterparts(conversation, me).map(formatAddress).join(", ");
}

/** A number of +1 as people write it; every other address as it is. */
export function formatAddress(address: string): string {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(address);
  return parts ? `(${parts[1]}) ${parts[2]}-${parts[3]}` : address;
}

export function nameOfActor(actor: Schemas["Actor"], me: string | undefined): string {
  switch (actor.type) {
    case "user":
      if (actor.username && actor.username === me) return "You";
      return actor.username ?? "Somebody whose account is gone";
    case "key":
      return `API key ${actor.id}`;
    case "operator":
      return "The operator";
    case "system":
      return "Switchboard";
  }
}

/** Their own part of one line, without what would break it. */
export function snippetOf({ body, subject }: Pick<Schemas["LastMessage"], "body" | "subject">): string {
  const text = bodyIsHtml(body) ? body.replace(/<(style|script|head)\b[\s\S]*?<\/\1\s*>/gi, " ").replace(/<[^>]*>/g, " ") : body;
  const line = decode(text).replace(/\s+/g, " ").trim().slice(0, 200);
  return subject ? [subject, line].filter(Boolean).join(" · ") : line;
}

function bodyIsHtml(body: string): boolean {
  return /<(!doctype|html|body|div|p|br|span|table|b|i|a|strong|h[1-6]|ul|ol|img)\b[^>]*>/i.test(body);
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", apos: "'", nbsp: " " };

function decode(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39|apos|nbsp);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
