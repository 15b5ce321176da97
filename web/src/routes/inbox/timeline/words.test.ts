import { describe, expect, it } from "vitest";
import { type Entry, mediaNote, tell } from "./words";

const at = "2027-05-03T12:00:00.000000Z";
const entry = (kind: "callback" | "lookup" | "status" | "webhook" | "note", facts: object): Entry => ({ kind, at, ...facts });

describe("a timeline in words", () => {
  it("says of a try what the provider did, why, and how long it took", () => {
    const told = tell({ kind: "attempt", at, number: 2, provider: "twilio", started_at: at, ended_at: "2027-05-03T12:00:03.000000Z", outcome: "unknown", reason: "the line broke", possible_duplicate: true });
    expect(told.title).toBe("Try 2: twilio did not answer");
    expect(told.details).toEqual(["It may well have been sent.", "The line broke.", "An earlier try may have been taken: it may arrive twice.", "It took 3 s."]);
    expect(told.tone).toBe("warn");
  });

  it("says that a try is still under way", () => {
    expect(tell({ kind: "attempt", at, number: 1, provider: "smtp", started_at: at, possible_duplicate: false }).title).toContain("no answer yet");
  });

  it("names the recipient that a report is about", () => {
    const told = tell(entry("callback", { status: "bounced", recipient: 1, reason: "no such mailbox" }), ["a@x.example", "b@x.example"]);
    expect(told.title).toBe("The provider reported: bounced");
    expect(told.details).toEqual(["For b@x.example.", "No such mailbox."]);
  });

  it("tells the three answers of a lookup apart", () => {
    expect(tell(entry("lookup", { found: true, reference: "SM1", status: "sent" })).details).toEqual(["It stands at: sent.", "The provider calls it SM1."]);
    expect(tell(entry("lookup", { found: false })).title).toContain("never had it");
    expect(tell(entry("lookup", { found: null, reason: "busy" })).details).toEqual(["Busy."]);
  });

  it("says whether a webhook was told, is told again, or was given up", () => {
    const facts = { endpoint_id: 3, type: "message.delivered", status_code: 500, outcome: "failed" };
    expect(tell(entry("webhook", { ...facts, state: "succeeded", status_code: 204 }))).toMatchObject({ title: "Webhook 3 was told of message.delivered", tone: "ok" });
    expect(tell(entry("webhook", { ...facts, state: "waiting" })).details).toEqual(["It answered 500.", "It is tried again."]);
    expect(tell(entry("webhook", { ...facts, state: "failed" })).tone).toBe("danger");
  });

  it("survives what it does not know", () => {
    expect(tell(entry("status", { status: "on the moon" })).title).toBe("It moved on");
    expect(tell(entry("note", {})).title).toBe("Something was noted");
    expect(tell(entry("callback", { recipient: 9 })).title).toContain("reported something");
  });
});

describe("a picture that is not here", () => {
  const pending = entry("note", { attachment: 0, note: "an attachment could not be fetched, and is tried again: 503" });
  const failed = entry("note", { attachment: 0, note: "an attachment could not be fetched: it is too large" });

  it("is pending until it is given up, and then says why", () => {
    expect(mediaNote([pending], 0)).toEqual({ isPending: true, reason: "503" });
    expect(mediaNote([pending, failed], 0)).toEqual({ isPending: false, reason: "it is too large" });
    expect(mediaNote([pending], 1)).toBeUndefined();
  });
});
