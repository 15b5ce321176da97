/** Consent in words. */
import type { Schemas } from "../../../api/client";
import type { Tone } from "../../../parts/badge";

type Consent = Schemas["Consent"];

export const STATES: Record<Consent["state"], { label: string; tone: Tone }> = {
  opted_in: { label: "Opted in", tone: "ok" },
  opted_out: { label: "Opted out", tone: "danger" },
};

export const CHANNELS: Record<Consent["channel"], string> = { sms: "Texts", email: "Mails" };

const SOURCES: Record<Consent["source"], string> = {
  keyword: "Wrote a word",
  one_click: "Unsubscribed with one click",
  bounce: "The mailbox refused it for good",
  complaint: "Complained of spam",
  provider: "The provider said so",
  api: "Recorded by hand or by a program",
};

export function sourceOf(consent: Consent): string {
  return SOURCES[consent.source];
}

/** What shows it, as pairs. */
export function evidenceOf(consent: Consent): { name: string; value: string }[] {
  const { evidence } = consent;
  if (typeof evidence !== "object" || evidence === null) return [];
  return Object.entries(evidence).map(([name, value]) => ({
    name: name === "message_id" ? "message" : name.replaceAll("_", " "),
    value: typeof value === "string" ? value : JSON.stringify(value),
  }));
}

/** How an address stands: its newest entry on each channel. The rows are the newest first. */
export function standingsOf(rows: readonly Consent[]): Consent[] {
  const newest = new Map<string, Consent>();
  for (const row of rows) if (!newest.has(row.channel)) newest.set(row.channel, row);
  return [...newest.values()];
}
