/** By what, from whom and to whom a conversation goes on. */
import { describe, expect, test } from "vitest";
import type { Message } from "../../../api/thread";
import { draftOf } from "./use-composer";
import { describe as inWords } from "./way-select";
import { waysOf } from "./ways";

const US = "+12015550100";
const THEM = "+12015550123";

function message(given: Partial<Message>): Message {
  const at = "2026-11-21T09:00:00.000000Z";
  return {
    id: 1,
    conversation_id: 7,
    direction: "inbound",
    type: "sms",
    from: THEM,
    to: US,
    body: "",
    attachments: [],
    recipients: [],
    status: "received",
    final: true,
    possible_duplicate: false,
    timestamp: at,
    created_at: at,
    updated_at: at,
    ...given,
  };
}

const brief = (ways: ReturnType<typeof waysOf>) => ways.map(({ channel, from, to, isReply }) => [channel, from, to.join(), isReply]);

describe("the ways", () => {
  test("go back to whoever wrote, and on to whoever was written to", () => {
    expect(brief(waysOf({ messages: [message({})] }))).toEqual([["sms", US, THEM, true]]);
    expect(brief(waysOf({ messages: [message({ direction: "outbound", from: US, to: THEM })] }))).toEqual([["sms", US, THEM, true]]);
  });

  test("begin with that of the last message, each once", () => {
    const mail = message({ type: "email", from: "a@example.com", to: "us@example.com" });
    const ways = waysOf({ messages: [mail, message({}), message({ type: "mms" }), mail] });
    expect(brief(ways)).toEqual([
      ["email", "us@example.com", "a@example.com", true],
      ["sms", US, THEM, true],
    ]);
  });

  test("follow a mail's reply-to, and keep everybody it went to", () => {
    const mail = message({ type: "email", from: "list@example.com", reply_to: "ann@example.com", to: ["us@example.com", "bob@example.com"], cc: ["cy@example.com"] });
    expect(waysOf({ messages: [mail] })[0]).toMatchObject({ from: "us@example.com", to: ["ann@example.com", "bob@example.com"], cc: ["cy@example.com"] });
  });

  test("lead to the contact's other addresses, where there is something to write from", () => {
    const ways = waysOf({ messages: [message({})], addresses: [THEM, "+12015550199", "a@example.com"] });
    expect(brief(ways)).toEqual([
      ["sms", US, THEM, true],
      ["sms", US, "+12015550199", false],
    ]);
    expect(ways.map(inWords).at(1)).toBe("Text from (201) 555-0100 to (201) 555-0199");
  });

  test("have chats for none", () => {
    expect(waysOf({ messages: [message({ type: "chat", from: "bugs", to: "duck" })] })).toEqual([]);
  });
});

describe("what is asked of the server", () => {
  const base = { conversation: { id: 7, kind: "numbers" as const }, text: "hi", attachments: [], after: 3, subject: "", scheduledAt: undefined, speaker: undefined };
  const [first, second] = waysOf({ messages: [message({})], addresses: ["+12015550199"] });

  test("is an answer by the way of the last message", () => {
    expect(draftOf({ ...base, way: first }).request).toEqual({ route: "reply", body: { body: "hi", attachments: [], type: "sms" } });
  });

  test("names both ends by another way", () => {
    expect(draftOf({ ...base, way: second }).way).toBe(second?.id ?? "none");
    expect(draftOf({ ...base, way: second }).request).toEqual({
      route: "sms",
      body: { body: "hi", attachments: [], type: "sms", from: US, to: "+12015550199" },
    });
  });

  test("is an MMS with a picture", () => {
    expect(draftOf({ ...base, way: first, attachments: ["/api/attachments/1"] })).toMatchObject({ type: "mms", request: { body: { type: "mms" } } });
  });

  test("names no channel and no time among people, and the speaker only for the operator", () => {
    const chat = { ...base, conversation: { id: 7, kind: "group" as const }, way: undefined };
    expect(draftOf(chat).request).toEqual({ route: "reply", body: { body: "hi", attachments: [] } });
    expect(draftOf({ ...chat, speaker: "bugs" }).request).toEqual({ route: "reply", body: { body: "hi", attachments: [], sender_user_name: "bugs" } });
  });
});
