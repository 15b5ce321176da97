import { describe, expect, it } from "vitest";
import type { Message } from "../../../api/thread";
import type { Outgoing } from "../../../state/outgoing";
import { type Activity, buildRows, countNewer, type MessageRow } from "./rows";

function message(id: number, at: Date, more: Partial<Message> = {}): Message {
  const timestamp = at.toISOString();
  return {
    id,
    conversation_id: 1,
    direction: "inbound",
    type: "sms",
    from: "+12025550102",
    to: "+12015550100",
    body: `text ${id}`,
    attachments: [],
    status: "received",
    final: true,
    possible_duplicate: false,
    recipients: [],
    timestamp,
    created_at: timestamp,
    updated_at: timestamp,
    ...more,
  };
}

function activity(id: number, at: Date): Activity {
  return { id, at: at.toISOString(), kind: "state", state: "closed", actor: { type: "operator" } };
}

/** Pages as they are read: the newest first, each from new to old. */
function thread(...messages: Message[]) {
  const data = messages.toReversed();
  const half = Math.ceil(data.length / 2);
  return { pages: [{ data: data.slice(0, half) }, { data: data.slice(half) }] };
}

const noon = (day: number, minute = 0) => new Date(2027, 4, day, 12, minute);
const whole = { activities: [], outgoing: [], hasMore: false };

describe("rows of a thread", () => {
  it("stand oldest first, over all pages", () => {
    const rows = buildRows({ ...whole, thread: thread(message(1, noon(1)), message(2, noon(1, 30)), message(3, noon(2))) });
    expect(rows.map((row) => row.key)).toEqual([1, 2, 3]);
  });

  it("bear the heading of their day once, at its first", () => {
    const rows = buildRows({ ...whole, thread: thread(message(1, noon(1)), message(2, noon(1, 30)), message(3, noon(2)), message(4, noon(4))) });
    expect(rows.map((row) => row.day !== undefined)).toEqual([true, false, true, true]);
    expect(new Date(rows[2]?.day ?? "").getDate()).toBe(2);
  });

  it("keep what they look like when older messages come", () => {
    const newer = [message(3, noon(2)), message(4, noon(2, 1)), message(5, noon(3))];
    const acts = [activity(1, noon(1, 5)), activity(2, noon(2, 30))];
    const before = buildRows({ thread: thread(...newer), activities: acts, outgoing: [], hasMore: true });
    const after = buildRows({ thread: thread(message(1, noon(1)), message(2, noon(2, -10)), ...newer), activities: acts, outgoing: [], hasMore: false });
    expect(before[0]?.day).toBeUndefined();
    expect(before.map((row) => row.key)).toEqual([3, 4, "a2", 5]);
    expect(after.slice(-before.length)).toEqual(before);
  });

  it("have what was done between the messages, in its place", () => {
    const rows = buildRows({ ...whole, thread: thread(message(1, noon(1)), message(2, noon(1, 10))), activities: [activity(7, noon(1, 5)), activity(8, noon(1, 20))] });
    expect(rows.map((row) => row.key)).toEqual([1, "a7", 2, "a8"]);
  });

  it("stand together when one sender wrote within minutes, and nothing came between", () => {
    const rows = buildRows({
      ...whole,
      thread: thread(message(1, noon(1)), message(2, noon(1, 2)), message(3, noon(1, 3), { from: "+12025550103" }), message(4, noon(1, 30), { from: "+12025550103" })),
    });
    expect(rows.map((row) => (row as MessageRow).isContinued)).toEqual([false, true, false, false]);
    expect(rows.map((row) => (row as MessageRow).isContinuing)).toEqual([true, false, false, false]);
    const parted = buildRows({ ...whole, thread: thread(message(1, noon(1)), message(2, noon(1, 2))), activities: [activity(1, noon(1, 1))] });
    expect((parted[2] as MessageRow).isContinued).toBe(false);
  });

  it("end in what is still on its way", () => {
    const outgoing = { key: "k", at: noon(1, 5).toISOString() } as Outgoing;
    const rows = buildRows({ ...whole, thread: thread(message(1, noon(1))), outgoing: [outgoing] });
    expect(rows.map((row) => row.key)).toEqual([1, "k"]);
    expect(rows[1]?.day).toBeUndefined();
  });
});

describe("what came in since", () => {
  it("counts others' messages that are newer, and no more", () => {
    const seen = message(2, noon(1, 5));
    const all = thread(message(1, noon(1)), seen, message(3, noon(1, 6)), message(4, noon(1, 7), { direction: "outbound" }), message(5, noon(1, 8)));
    expect(countNewer(all, seen)).toBe(2);
    expect(countNewer(all, message(5, noon(1, 8)))).toBe(0);
  });
});
