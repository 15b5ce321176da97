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
}

const MOST = 8;

export interface WaysOf {
  /** The newest first. */
  messages: readonly Message[];
  /** What the contact can be reached by, where there is one. */
  addresses?: readonly string[];
  defaultSender?: string | undefined;
}

/** The first goes as the last message did. */
export function waysOf({ messages, addresses = [], defaultSender }: WaysOf): Way[] {
  const ways: Way[] = [];
  const own = new Set(messages.flatMap(({ direction, from }) => (direction === "outbound" ? [from] : [])));
  if (defaultSender !== undefined) own.add(defaultSender);
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

function wayBack(message: Message, own: ReadonlySet<string>): Omit<Way, "id"> | undefined {
  if (message.type === "chat") return undefined;
  const channel = message.type === "email" ? "email" : "sms";
  const answers = message.id;
  const to = typeof message.to === "string" ? [message.to] : message.to;
  const cc = message.cc ?? [];
  if (message.direction === "outbound") return { channel, from: message.from, to, cc, answers };
  // A mail names the workspace's own first; a text to several need not.
  const from = (channel === "sms" ? to.find((address) => own.has(address)) : undefined) ?? to[0] ?? message.from;
  const sender = message.reply_to ?? message.from;
  const others = to.filter((other) => other !== sender && other !== from);
  return { channel, from, to: [sender, ...others], cc: cc.filter((other) => other !== from), answers };
}

/** What a text becomes: pictures, and several recipients, make it an MMS. */
export function textType(way: Pick<Way, "to">, files: number): "sms" | "mms" {
  return files > 0 || way.to.length > 1 ? "mms" : "sms";
}
