/** What the parts of the phones' page tell each other. */
import { atom } from "jotai";
import { storedAtom } from "../../state/stored";

/** A sign-up or a sign-in that waits for its code. It is kept, since loading the page anew must not lose it. */
export interface Pending {
  username: string;
  /** The handset that the code goes to. */
  mobile: string;
  expiresAt: string;
}

export const pendingAtom = storedAtom<Pending | undefined>("phones-pending", readPending);

/** The digits in the code's field; a handset can put them there. */
export const typedCodeAtom = atom("");

/** The recipient in the form that sends a text, as it was typed or chosen. */
export const recipientAtom = atom<string | undefined>(undefined);

function readPending(kept: unknown): Pending | undefined {
  if (typeof kept !== "object" || kept === null) return undefined;
  if (!("username" in kept && "mobile" in kept && "expiresAt" in kept)) return undefined;
  const { username, mobile, expiresAt } = kept;
  const isWhole = typeof username === "string" && typeof mobile === "string" && typeof expiresAt === "string";
  return isWhole && Date.parse(expiresAt) > Date.now() ? { username, mobile, expiresAt } : undefined;
}
