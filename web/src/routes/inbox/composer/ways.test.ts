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

const brief = (ways: ReturnType<typeof waysOf>) => ways.map(({ channel, from, to }) => [channel, from, to.join()]);

describe("the ways", () => {
  test("go back to whoever wrote, and on to whoever was written to", () => {
    expect(brief(waysOf({ messages: [message({})] }))).toEqual([["sms", US, THEM]]);
    expect(brief(waysOf({ messages: [message({ direction: "outbound", from: US, to: THEM })] }))).toEqual([["sms", US, THEM]]);
  });

  test("begin with that of the last message, each once", () => {
    const mail = message({ type: "email", from: "a@example.com", to: "us@example.com" });
    const ways = waysOf({ messages: [mail, message({}), message({ type: "mms" }), mail] });
    expect(brief(ways)).toEqual([
      ["email", "us@example.com", "a@example.com"],
      ["sms", US, THEM],
    ]);
  });

  test("follow a mail's reply-to, and keep everybody it went to", () => {
    const mail = message({ type: "email", from: "list@example.com", reply_to: "ann@example.com", to: ["us@example.com", "bob@example.com"], cc: ["cy@example.com"] });
    expect(waysOf({ messages: [mail] })[0]).toMatchObject({ from: "us@example.com", to: ["ann@example.com", "bob@example.com"], cc: ["cy@example.com"] });
  });

  test("lead to the contact's other addresses, where there is something to write from", () => {
    const ways = waysOf({ messages: [message({})], addresses: [THEM, "+12015550199", "a@example.com"] });
    expect(brief(ways)).toEqual([
      ["sms", US, THEM],
      ["sms", US, "+12015550199"],
    ]);
    expect(ways.map(inWords).at(1)).toBe("Text from (201) 555-0100 to (201) 555-0199");
  });

  test("lead from our own number, wherever it stands among those a text went to", () => {
    const group = message({ type: "mms", to: ["+12015550177", US] });
    expect(brief(waysOf({ messages: [group], defaultSender: US }))).toEqual([["sms", US, `${THEM},+12015550177`]]);
    const before = message({ direction: "outbound", from: US, to: THEM });
    expect(brief(waysOf({ messages: [group, before] })).at(0)).toEqual(["sms", US, `${THEM},+12015550177`]);
  });

  test("lead from whichever number of ours a text to several came to", () => {
    const other = "+12015550101";
    const senders = [US, other];
    const group = message({ type: "mms", to: ["+12015550177", other] });
    expect(brief(waysOf({ messages: [group], defaultSender: US, senders }))).toEqual([["sms", other, `${THEM},+12015550177`]]);
    const both = message({ type: "mms", to: [other, US] });
    expect(brief(waysOf({ messages: [both], defaultSender: US, senders }))).toEqual([["sms", other, `${THEM},${US}`]]);
  });

  test("lead from our own mailbox, wherever it stands among those a mail went to, and to everybody else", () => {
    const senders = ["us@example.com"];
    const copied = message({ type: "email", from: "ann@example.com", to: "bob@example.com", cc: ["cy@example.com", "us@example.com"] });
    expect(waysOf({ messages: [copied], senders })[0]).toMatchObject({
      from: "us@example.com",
      to: ["ann@example.com", "bob@example.com"],
      cc: ["cy@example.com"],
    });
  });

  test("take a mail's mailbox for ours only where the server does, which answers it", () => {
    const before = message({ direction: "outbound", type: "email", from: "us@example.com", to: "bob@example.com" });
    const mail = message({ type: "email", from: "ann@example.com", to: ["bob@example.com", "us@example.com"] });
    expect(waysOf({ messages: [mail, before] })[0]).toMatchObject({ from: "bob@example.com" });
  });

  test("name the subject of the mail that is answered, and none where there is none", () => {
    const mail = message({ type: "email", from: "a@example.com", to: "us@example.com", subject: "The plan" });
    expect(waysOf({ messages: [mail], addresses: ["b@example.com"] }).map(({ subject }) => subject)).toEqual(["The plan", undefined]);
  });

  test("have chats for none", () => {
    expect(waysOf({ messages: [message({ type: "chat", from: "bugs", to: "duck" })] })).toEqual([]);
  });
});

describe("what is asked of the server", () => {
  const base = { conversation: { id: 7 }, text: "hi", attachments: [], after: 3, subject: "", scheduledAt: undefined, speaker: undefined };
  const mail = message({ id: 9, type: "email", from: "a@example.com", to: "us@example.com" });
  const [first, second] = waysOf({ messages: [message({})], addresses: ["+12015550199"] });

  test("names both ends of a text, so that it goes where its writer saw, whoever wrote meanwhile", () => {
    expect(draftOf({ ...base, way: first }).request).toEqual({
      route: "sms",
      body: { body: "hi", attachments: [], type: "sms", from: US, to: THEM },
    });
    expect(draftOf({ ...base, way: second })).toMatchObject({ way: second?.id, request: { route: "sms", body: { from: US, to: "+12015550199" } } });
  });

  test("names the mail that is answered, and both ends where there is none", () => {
    const [answer, other] = waysOf({ messages: [mail], addresses: ["b@example.com"] });
    expect(draftOf({ ...base, way: answer }).request).toEqual({ route: "reply", body: { body: "hi", attachments: [], type: "email", in_reply_to: 9 } });
    expect(draftOf({ ...base, way: other }).request).toEqual({
      route: "email",
      body: { body: "hi", attachments: [], from: "us@example.com", to: "b@example.com" },
    });
  });

  test("is an MMS with a picture", () => {
    expect(draftOf({ ...base, way: first, attachments: ["/api/attachments/1"] })).toMatchObject({ type: "mms", request: { body: { type: "mms" } } });
  });

  test("names no channel and no time among people, and the speaker only for the operator", () => {
    const chat = { ...base, way: undefined };
    expect(draftOf(chat).request).toEqual({ route: "reply", body: { body: "hi", attachments: [] } });
    expect(draftOf({ ...chat, speaker: "bugs" }).request).toEqual({ route: "reply", body: { body: "hi", attachments: [], sender_user_name: "bugs" } });
  });
});
