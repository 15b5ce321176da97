/** What shows a consent, in words. */
import { expect, test } from "vitest";
import { evidenceOf, sourceOf } from "./evidence";

test("what somebody said is shown as they said it, without ids", () => {
  expect(evidenceOf({ evidence: { message_id: 12, text: "STOP" } })).toBe("STOP");
  expect(evidenceOf({ evidence: { note: "on the phone" } })).toBe("on the phone");
  expect(evidenceOf({ evidence: { message_id: 12, smtp_code: "550" } })).toBe("smtp code: 550");
});

test("nothing is made up where nothing was kept", () => {
  for (const evidence of [null, "", {}, { message_id: 1 }]) expect(evidenceOf({ evidence })).toBeUndefined();
});

test("whoever wrote it down is named", () => {
  expect(sourceOf({ source: "api", state: "opted_in", actor: "key:7" })).toBe("Written down by API key 7");
  expect(sourceOf({ source: "keyword", state: "opted_in", actor: "" })).toMatch(/starts texts/);
});
