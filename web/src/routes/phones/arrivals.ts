/** The handsets that a sign-up or a sign-in wrote to: they come onto the page by themselves. */
import type { Handset } from "./carrier";

/** The carrier may have taken the text before its sender heard that it was on its way. */
const SLACK_MS = 5_000;
const MOST = 2;

/** Those that had their last message since a sign-in began, and that are not shown yet: phones first, then mailboxes. */
export function arrivals(handsets: readonly Handset[], shown: readonly string[], since: number | undefined): string[] {
  if (since === undefined) return [];
  return handsets
    .filter((handset) => Date.parse(handset.last_message_at) >= since - SLACK_MS && !shown.includes(handset.address))
    .slice(0, MOST)
    .map((handset) => handset.address)
    .toSorted((one, other) => Number(one.includes("@")) - Number(other.includes("@")));
}
