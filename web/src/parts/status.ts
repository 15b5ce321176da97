/** What the states of a message mean to people: a word, a sentence, and what can be done about it. */
import type { Schemas } from "../api/client";
import type { Tone } from "./badge";

export type Status = Schemas["Status"];

export interface StatusMeaning {
  label: string;
  tone: Tone;
  sentence: string;
  /** What its reader can do; absent where there is nothing to do. */
  advice?: string;
}

const MEANINGS: Record<Status, StatusMeaning> = {
  scheduled: { label: "Scheduled", tone: "plain", sentence: "It waits for its time.", advice: "It can still be cancelled." },
  queued: { label: "Queued", tone: "plain", sentence: "It is kept and waits to be sent.", advice: "It can still be cancelled." },
  sending: { label: "Sending", tone: "plain", sentence: "It is being handed to a provider now." },
  accepted: { label: "Accepted", tone: "plain", sentence: "The provider has it." },
  sent: { label: "Sent", tone: "plain", sentence: "The provider passed it on; no receipt has come yet." },
  delivered: { label: "Delivered", tone: "ok", sentence: "It arrived." },
  read: { label: "Read", tone: "ok", sentence: "It was read." },
  undelivered: { label: "Not delivered", tone: "danger", sentence: "The provider could not deliver it.", advice: "Check the address, then send it again." },
  failed: { label: "Failed", tone: "danger", sentence: "The provider gave up on it.", advice: "Send it again." },
  bounced: { label: "Bounced", tone: "danger", sentence: "The mailbox sent it back.", advice: "Check the address, then send it again." },
  rejected: { label: "Rejected", tone: "danger", sentence: "It was refused for good, and not sent.", advice: "Change what it was refused for, and write it anew." },
  unknown: {
    label: "Unknown",
    tone: "warn",
    sentence: "The provider did not say whether it took it: it may or may not have been sent.",
    advice: "Wait for a receipt, or send it again and risk that it arrives twice.",
  },
  dead: { label: "Given up", tone: "danger", sentence: "Its time ran out before it could be sent.", advice: "Send it again." },
  canceled: { label: "Cancelled", tone: "plain", sentence: "It was called back before it was sent." },
  received: { label: "Received", tone: "plain", sentence: "It came in." },
};

/** Among people no provider stands between: what is accepted waits for their app to fetch it. */
const CHAT_MEANINGS: Partial<Record<Status, StatusMeaning>> = {
  accepted: { label: "Sent", tone: "plain", sentence: "It is kept, and waits for their app to fetch it." },
  delivered: { label: "Delivered", tone: "ok", sentence: "Their app has fetched it." },
};

/** `isChat` for what people say to each other. */
export function meaningOf(status: Status, isChat = false): StatusMeaning {
  return (isChat ? CHAT_MEANINGS[status] : undefined) ?? MEANINGS[status];
}

const REASONS: Record<string, string> = {
  opted_out: "Whoever has this address wants no messages any more.",
  not_your_sender: "Its sender belongs to another workspace now.",
};

/** Why a message stands where it does, as a sentence; some of the server's reasons are names of theirs. */
export function explainReason(reason: string): string {
  const known = REASONS[reason];
  if (known !== undefined) return known;
  const words = /^[a-z0-9_]+$/.test(reason) ? reason.replaceAll("_", " ") : reason;
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** The states in which a message can be called back. */
export function isCancelable(status: Status): boolean {
  return status === "scheduled" || status === "queued";
}

/** The states in which a message can be sent once more. */
export function isReplayable(status: Status): boolean {
  return ["dead", "failed", "undelivered", "bounced", "unknown"].includes(status);
}
