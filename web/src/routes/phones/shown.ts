/** Which handsets stand on the page; this browser remembers them. */
import { storedAtom } from "../../state/stored";

/** More than these side by side can no longer be followed. */
export const MOST_SHOWN = 8;

/** The first phone and the first mailbox of somebody who comes here for the first time. */
const FIRST_PHONE = "+12025550142";
const FIRST_MAILBOX = "me@example.com";

export const shownAtom = storedAtom<readonly string[]>("phones", (kept) =>
  Array.isArray(kept) ? kept.filter((one) => typeof one === "string").slice(0, MOST_SHOWN) : [FIRST_PHONE, FIRST_MAILBOX],
);

/** With one more, as the first; what stands there already stays where it is. */
export function withShown(shown: readonly string[], address: string): readonly string[] {
  return shown.includes(address) ? shown : [address, ...shown].slice(0, MOST_SHOWN);
}

export function withoutShown(shown: readonly string[], address: string): readonly string[] {
  return shown.filter((one) => one !== address);
}

/** What somebody typed as an address, or why it is none. Ten digits are numbers of +1. */
export function readAddress(typed: string): { address: string } | { problem: string } {
  const text = typed.trim();
  if (text.includes("@")) {
    return /^[^\s@]+@[^\s@]+$/.test(text) ? { address: text.toLowerCase() } : { problem: "That is no email address." };
  }
  if (!/^[\d\s().+-]*$/.test(text)) return { problem: "Enter a phone number or an email address." };
  const digits = text.replace(/\D/g, "");
  if (digits.length < 7 || digits.length > 15) return { problem: "A phone number has 7 to 15 digits." };
  return { address: !text.startsWith("+") && digits.length === 10 ? `+1${digits}` : `+${digits}` };
}
