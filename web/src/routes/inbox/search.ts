/** What of the inbox stands in its address: the filters and the search. */
import type { Schemas } from "../../api/client";

export interface InboxSearch {
  q?: string;
  channel?: Schemas["Channel"];
  state?: Schemas["ConversationState"];
  assignee?: string;
  label?: number;
  unread?: true;
}

const CHANNELS = ["sms", "mms", "email", "chat"] as const;
const STATES = ["open", "snoozed", "closed"] as const;

/** Keeps what is known and well formed; the rest of an address is left out. */
export function readInboxSearch(search: Record<string, unknown>): InboxSearch {
  const found: InboxSearch = {};
  const q = words(search.q);
  if (q !== undefined) found.q = q;
  const channel = CHANNELS.find((channel) => channel === search.channel);
  if (channel) found.channel = channel;
  const state = STATES.find((state) => state === search.state);
  if (state) found.state = state;
  const assignee = words(search.assignee);
  if (assignee !== undefined) found.assignee = assignee;
  const label = Number(search.label);
  if (Number.isSafeInteger(label) && label > 0) found.label = label;
  if (search.unread === true) found.unread = true;
  return found;
}

function words(value: unknown): string | undefined {
  // An address that somebody typed may hold a bare number.
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && text.trim() !== "" ? text : undefined;
}
