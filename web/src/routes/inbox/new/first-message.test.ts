/** The first message of a conversation. */
import { expect, test, vi } from "vitest";
import { Problem } from "../../../api/problem";
import { fieldError, recipientsIn, sendFirst } from "./first-message";

test("several recipients are told apart however they are separated", () => {
  expect(recipientsIn(" +1 201 555 0123; a@example.com,\n b@example.com, ")).toEqual(["+1 201 555 0123", "a@example.com", "b@example.com"]);
});

test("what is wrong with one of several stands at the field", () => {
  const errors = [{ field: "to[1]", code: "invalid", message: "must be a phone number" }];
  const problem = new Problem({ status: 400, code: "invalid_request", detail: "no", errors });
  expect(fieldError(problem, "to")).toBe("must be a phone number");
  expect(fieldError(problem, "from")).toBeUndefined();
});

test("a text to several is an MMS, to one an SMS, each under its key", async () => {
  const asked: { body: unknown; key: string | null }[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    asked.push({ body: await request.json(), key: request.headers.get("idempotency-key") });
    return new Response("{}", { status: 201, headers: { "content-type": "application/json" } });
  });
  const message = { from: "+12015550100", subject: "ignored", body: "hi" };
  await sendFirst("text", { ...message, to: "+12015550123" }, "k1");
  await sendFirst("text", { ...message, to: "+12015550123, +12015550124" }, "k2");
  expect(asked).toEqual([
    { key: "k1", body: { from: "+12015550100", to: "+12015550123", body: "hi", attachments: [], type: "sms" } },
    { key: "k2", body: { from: "+12015550100", to: ["+12015550123", "+12015550124"], body: "hi", attachments: [], type: "mms" } },
  ]);
});
