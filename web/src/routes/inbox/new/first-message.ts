/** The first message of a conversation, as it is typed and as the server takes it. */
import { atom } from "jotai";
import { api, body, newIdempotencyKey, type Schemas } from "../../../api/client";
import { Problem } from "../../../api/problem";
import { storedAtom } from "../../../state/stored";
import { OWN } from "../../../state/turn";

export interface FirstMessage {
  to: string;
  from: string;
  subject: string;
  body: string;
}

interface Begun {
  message: FirstMessage;
  /** What was tried and not answered for certain: the same again is the same message, by its key. */
  attempt?: { key: string; of: string };
}

/** What was begun and not sent stays while the app is open. */
export const begunAtom = atom<{ text?: Begun | undefined; email?: Begun | undefined }>({});

/** The key of a try: that of the one before, until a word of it is changed. */
export const attemptFirstAtom = atom(null, (get, set, kind: "text" | "email", message: FirstMessage): string => {
  const begun = get(begunAtom);
  const of = JSON.stringify(message);
  const before = begun[kind]?.attempt;
  const attempt = before?.of === of ? before : { key: newIdempotencyKey(), of };
  set(begunAtom, { ...begun, [kind]: { message, attempt } });
  return attempt.key;
});

/** The server has it: what was begun since stays. */
export const settleFirstAtom = atom(null, (get, set, kind: "text" | "email", sent: FirstMessage) => {
  const begun = get(begunAtom);
  const now = begun[kind]?.message;
  const isChanged = now !== undefined && JSON.stringify(now) !== JSON.stringify(sent);
  set(begunAtom, { ...begun, [kind]: isChanged ? { message: now } : undefined });
});

/** From whom the last mail was begun here. */
export const mailboxAtom = storedAtom<string>(`${OWN}mailbox`, (kept) => (typeof kept === "string" ? kept : ""));

/** Several are told apart by commas or semicolons. */
export function recipientsIn(text: string): string[] {
  return text
    .split(/[,;\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

export function sendFirst(kind: "text" | "email", message: FirstMessage, key: string): Promise<Schemas["Message"]> {
  const header = { "Idempotency-Key": key };
  const all = recipientsIn(message.to);
  const [only] = all;
  const to = all.length === 1 && only !== undefined ? only : all;
  const common = { from: message.from.trim(), to, body: message.body, attachments: [] };
  if (kind === "text") {
    return body(api.POST("/api/messages/sms", { params: { header }, body: { ...common, type: all.length > 1 ? "mms" : "sms" } }));
  }
  const subject = message.subject.trim();
  return body(api.POST("/api/messages/email", { params: { header }, body: { ...common, ...(subject !== "" && { subject }) } }));
}

/** What is wrong with a field, or with one of several in it. */
export function fieldError(error: unknown, name: string): string | undefined {
  if (!(error instanceof Problem)) return undefined;
  return error.errors.find(({ field }) => field === name || field.startsWith(`${name}[`) || field.startsWith(`${name}.`))?.message;
}
