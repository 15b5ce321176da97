/** The entries of a message's timeline in words. */
import type { Tone } from "../../../parts/badge";
import { explainReason, meaningOf, type Status } from "../../../parts/status";
import { formatDuration } from "../../../parts/time";

interface Attempt {
  kind: "attempt";
  at: string;
  number: number;
  provider: string;
  started_at: string;
  ended_at?: string | null;
  outcome?: string | null;
  reference?: string | null;
  reason?: string | null;
  possible_duplicate: boolean;
}

/** As the server tells it. Of the kinds other than these two its description says no more than that they hold something. */
export type Entry = { kind: "accepted"; at: string } | Attempt | { kind: "callback" | "lookup" | "status" | "webhook" | "note"; at: string };

export interface Told {
  /** What it was, in a few words. */
  title: string;
  /** Why, and what else there is to know. */
  details: string[];
  tone: Tone;
}

const STATUSES = [
  "scheduled",
  "queued",
  "sending",
  "accepted",
  "sent",
  "delivered",
  "read",
  "undelivered",
  "failed",
  "bounced",
  "rejected",
  "unknown",
  "dead",
  "canceled",
  "received",
] as const satisfies readonly Status[];

const OUTCOMES: Record<string, { title: string; tone: Tone; detail?: string }> = {
  accepted: { title: "took it", tone: "ok" },
  retry: { title: "did not take it", tone: "warn", detail: "It was certainly not sent, and is tried again." },
  rejected: { title: "refused it for good", tone: "danger", detail: "It was certainly not sent." },
  doubtful: { title: "failed without saying whether it took it", tone: "warn", detail: "It may have been sent." },
  unknown: { title: "did not answer", tone: "warn", detail: "It may well have been sent." },
};

export function tell(entry: Entry, recipients: readonly string[] = []): Told {
  switch (entry.kind) {
    case "accepted":
      return { title: "Accepted, and kept", details: [], tone: "plain" };
    case "attempt":
      return tellAttempt(entry);
    case "callback":
      return tellCallback(factsOf(entry), recipients);
    case "lookup":
      return tellLookup(factsOf(entry));
    case "status":
      return tellStatus(factsOf(entry));
    case "webhook":
      return tellWebhook(factsOf(entry));
    case "note":
      return tellNote(factsOf(entry));
  }
}

/** What of an entry its kind alone says. Each is checked where it is read. */
type Facts = Readonly<Record<string, unknown>>;

function factsOf(entry: Entry): Facts {
  return { ...entry };
}

function tellAttempt(entry: Attempt): Told {
  const { number, provider, outcome, reason, reference, ended_at: ended, started_at: started } = entry;
  const details: string[] = [];
  if (!outcome) return { title: `Try ${number}: handed to ${provider}, no answer yet`, details, tone: "plain" };
  const known = OUTCOMES[outcome];
  if (known?.detail) details.push(known.detail);
  if (reason) details.push(explainReason(reason));
  if (entry.possible_duplicate) details.push("An earlier try may have been taken: it may arrive twice.");
  if (reference) details.push(`The provider calls it ${reference}.`);
  if (ended) details.push(`It took ${formatDuration(Date.parse(ended) - Date.parse(started))}.`);
  return { title: `Try ${number}: ${provider} ${known?.title ?? `answered “${outcome}”`}`, details, tone: known?.tone ?? "plain" };
}

function tellCallback(facts: Facts, recipients: readonly string[]): Told {
  const status = asStatus(facts.status);
  const recipient = typeof facts.recipient === "number" ? recipients[facts.recipient] : undefined;
  const details: string[] = [];
  if (recipient) details.push(`For ${recipient}.`);
  const reason = reasonIn(facts);
  if (reason) details.push(reason);
  const reference = text(facts.provider_id);
  if (reference) details.push(`The provider calls it ${reference}.`);
  const who = text(facts.provider) ?? "The provider";
  if (!status) return { title: `${who} reported something`, details, tone: "plain" };
  const meaning = meaningOf(status);
  return { title: `${who} reported: ${meaning.label.toLowerCase()}`, details, tone: meaning.tone };
}

function tellLookup(facts: Facts): Told {
  const reason = reasonIn(facts);
  if (facts.found === true) {
    const status = asStatus(facts.status);
    return {
      title: "The provider was asked, and has it",
      details: [status && `It stands at: ${meaningOf(status).label.toLowerCase()}.`, text(facts.reference) && `The provider calls it ${text(facts.reference)}.`].filter(isText),
      tone: "ok",
    };
  }
  if (facts.found === false) return { title: "The provider was asked, and never had it", details: ["It can be sent again safely."], tone: "plain" };
  return { title: "The provider was asked, and could not tell", details: [reason].filter(isText), tone: "warn" };
}

function tellStatus(facts: Facts): Told {
  const status = asStatus(facts.status);
  const reason = [reasonIn(facts)].filter(isText);
  if (!status) return { title: "It moved on", details: reason, tone: "plain" };
  const meaning = meaningOf(status);
  return { title: meaning.label, details: [meaning.sentence, ...reason], tone: meaning.tone };
}

function tellWebhook(facts: Facts): Told {
  const event = text(facts.type);
  const code = typeof facts.status_code === "number" ? `It answered ${facts.status_code}.` : undefined;
  const endpoint = typeof facts.endpoint_id === "number" ? `Webhook ${facts.endpoint_id}` : "A webhook";
  const about = event ? ` of ${event}` : "";
  if (facts.state === "succeeded") return { title: `${endpoint} was told${about}`, details: [code].filter(isText), tone: "ok" };
  const reason = [code, outcomeOfWebhook(facts.outcome)];
  if (facts.state === "waiting") return { title: `${endpoint} could not be told${about}`, details: [...reason, "It is tried again."].filter(isText), tone: "warn" };
  return { title: `${endpoint} was given up${about}`, details: reason.filter(isText), tone: "danger" };
}

function outcomeOfWebhook(outcome: unknown): string | undefined {
  const said = text(outcome);
  return said && said !== "failed" && said !== "succeeded" ? `${said.charAt(0).toUpperCase()}${said.slice(1).replaceAll("_", " ")}.` : undefined;
}

function tellNote(facts: Facts): Told {
  const note = text(facts.note);
  const name = text(facts.name);
  const details = [name && `The file ${name}.`, reasonIn(facts)].filter(isText);
  if (!note) return { title: name ? "An attachment was not kept" : "Something was noted", details, tone: "plain" };
  return { title: note.charAt(0).toUpperCase() + note.slice(1), details, tone: "plain" };
}

const PENDING = "an attachment could not be fetched, and is tried again: ";
const FAILED = "an attachment could not be fetched: ";

/** What the timeline says of an attachment that came in and is not here yet; nothing when it says nothing. */
export function mediaNote(entries: readonly Entry[], position: number): { isPending: boolean; reason: string } | undefined {
  for (const entry of entries.toReversed()) {
    if (entry.kind !== "note") continue;
    const facts = factsOf(entry);
    const note = text(facts.note) ?? "";
    if (facts.attachment !== position) continue;
    if (note.startsWith(PENDING)) return { isPending: true, reason: note.slice(PENDING.length) };
    if (note.startsWith(FAILED)) return { isPending: false, reason: note.slice(FAILED.length) };
    return undefined;
  }
  return undefined;
}

function reasonIn(facts: Facts): string | undefined {
  const reason = text(facts.reason);
  return reason && explainReason(reason);
}

function asStatus(value: unknown): Status | undefined {
  return STATUSES.find((status) => status === value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isText(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
