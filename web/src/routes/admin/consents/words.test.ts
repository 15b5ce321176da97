/** Consent in words. */
import { expect, it } from "vitest";
import type { Schemas } from "../../../api/client";
import { evidenceOf, standingsOf } from "./words";

const row = (id: number, channel: "sms" | "email", state: "opted_in" | "opted_out", evidence: Schemas["Consent"]["evidence"] = {}): Schemas["Consent"] => ({
  id,
  address: "+12025550142",
  channel,
  state,
  source: "keyword",
  actor: "",
  evidence,
  at: "2030-01-01T12:00:00Z",
});

it("takes the newest entry of each channel for how an address stands", () => {
  const rows = [row(4, "sms", "opted_in"), row(3, "email", "opted_out"), row(2, "sms", "opted_out"), row(1, "email", "opted_in")];
  expect(standingsOf(rows).map(({ id }) => id)).toEqual([4, 3]);
});

it("shows every piece of evidence", () => {
  expect(evidenceOf(row(1, "sms", "opted_out", { message_id: 5, text: "STOP" }))).toEqual([
    { name: "message", value: "5" },
    { name: "text", value: "STOP" },
  ]);
  expect(evidenceOf(row(1, "sms", "opted_out", null))).toEqual([]);
});
