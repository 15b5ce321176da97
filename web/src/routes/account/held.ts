/** What this tab must still know after a reload, or after a trip to the mail or the texts; it ends with the tab. */
import { atom, type WritableAtom } from "jotai";
import type { Schemas } from "../../api/client";

const PREFIX = "switchboard.";

function readHeld(key: string): unknown {
  try {
    const text = sessionStorage.getItem(PREFIX + key);
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function writeHeld(key: string, value: unknown): void {
  try {
    if (value === undefined) sessionStorage.removeItem(PREFIX + key);
    else sessionStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Forbidden: it lives as long as the page.
  }
}

/** An atom that lives as long as its tab. What is there counts only if `read` knows it. */
function heldAtom<T>(key: string, read: (kept: unknown) => T | undefined): WritableAtom<T | undefined, [T | undefined], void> {
  const inner = atom(read(readHeld(key)));
  return atom(
    (get) => get(inner),
    (_get, set, value: T | undefined) => {
      set(inner, value);
      writeHeld(key, value);
    },
  );
}

export type PendingCode = Schemas["PendingCode"];

/** A sign-in whose password was right, and whose code is waited for. */
export interface PendingSignIn {
  username: string;
  verification: PendingCode;
  /** When its code went out last, in milliseconds. */
  sentAt: number;
}

/** The server forgets a sign-in that waits for longer. */
const PENDING_LIFE_MS = 15 * 60_000;

export function readPendingSignIn(kept: unknown): PendingSignIn | undefined {
  if (!isRecord(kept) || !isRecord(kept.verification)) return undefined;
  const { username, sentAt } = kept;
  const { channel, to, expires_at } = kept.verification;
  if (typeof username !== "string" || typeof sentAt !== "number" || Date.now() - sentAt > PENDING_LIFE_MS) return undefined;
  if ((channel !== "sms" && channel !== "totp") || typeof expires_at !== "string") return undefined;
  return { username, sentAt, verification: { channel, expires_at, ...(typeof to === "string" && { to }) } };
}

export const pendingSignInAtom = heldAtom("pending-sign-in", readPendingSignIn);

/** The token of an invitation, kept while its person signs in or up. It is never put into an address that a server sees. */
export const invitationAtom = heldAtom("invitation", (kept) => (typeof kept === "string" && kept !== "" ? kept : undefined));

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
