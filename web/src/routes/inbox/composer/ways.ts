/** The ways by which a conversation of numbers and mailboxes can be gone on with: by what, from whom, to whom. */
import type { Message } from "../../../api/thread";

export interface Way {
  id: string;
  channel: "sms" | "email";
  from: string;
  to: readonly string[];
  cc: readonly string[];
  /** The message that is answered by it: the server takes the addresses of that one, and keeps a mail's thread. */
  answers?: number;
  /** The subject of that one, which a mail has that names none. */
  subject?: string;
}

const MOST = 8;

export interface WaysOf {
  /** The newest first. */
  messages: readonly Message[];
  /** What the contact can be reached by, where there is one. */
  addresses?: readonly string[];
  defaultSender?: string | undefined;
  /** The workspace's own numbers and mailboxes. */
  senders?: readonly string[];
}

/** The first goes as the last message did. */
export function waysOf({ messages, addresses = [], defaultSender, senders = [] }: WaysOf): Way[] {
  const ways: Way[] = [];
  const written = messages.flatMap(({ direction, from }) => (direction === "outbound" ? [from] : []));
  // The server chooses whose mailbox answers a mail, and knows these only.
  const own = { email: new Set(senders), sms: new Set([...senders, ...written]) };
  if (defaultSender !== undefined) own.sms.add(defaultSender);
  for (const message of messages) {
    if (ways.length === MOST) break;
    const way = wayBack(message, own);
    if (!way) continue;
    const id = [way.channel, way.from, ...way.to, "cc", ...way.cc].join(" ");
    if (!ways.some((other) => other.id === id)) ways.push({ ...way, id });
  }
  for (const address of addresses) {
    const channel = channelOf(address);
    if (ways.some((way) => way.channel === channel && way.to.includes(address))) continue;
    const from = ways.find((way) => way.channel === channel)?.from ?? (channel === "sms" ? defaultSender : undefined);
    // Nobody of ours was ever written with by that channel: there is nothing to write from.
    if (from === undefined) continue;
    const id = [channel, from, address, "cc"].join(" ");
    ways.push({ id, channel, from, to: [address], cc: [] });
  }
  return ways;
}

export function channelOf(address: string): "sms" | "email" {
  return address.includes("@") ? "email" : "sms";
}

function wayBack(message: Message, own: Record<Way["channel"], ReadonlySet<string>>): Omit<Way, "id"> | undefined {
  if (message.type === "chat") return undefined;
  const channel = message.type === "email" ? "email" : "sms";
  const answered = { answers: message.id, ...(message.subject && { subject: message.subject }) };
  const to = typeof message.to === "string" ? [message.to] : message.to;
  const cc = message.cc ?? [];
  if (message.direction === "outbound") return { channel, from: message.from, to, cc, ...answered };
  const from = [...to, ...cc].find((address) => own[channel].has(address)) ?? to[0] ?? message.from;
  const sender = message.reply_to ?? message.from;
  const others = to.filter((other) => other !== sender && other !== from);
  return { channel, from, to: [sender, ...others], cc: cc.filter((other) => other !== from), ...answered };
}

/** What a text becomes: pictures, and several recipients, make it an MMS. */
export function textType(way: Pick<Way, "to">, files: number): "sms" | "mms" {
  return files > 0 || way.to.length > 1 ? "mms" : "sms";
}
