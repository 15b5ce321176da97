import { describe, expect, it } from "vitest";
import type { Message, Thread } from "./thread";
import { patchThread } from "./thread";

function message(id: number, body = "", minute = id): Message {
  const at = `2026-11-21T09:${String(minute).padStart(2, "0")}:00.000000Z`;
  return {
    id,
    conversation_id: 1,
    direction: "outbound",
    type: "sms",
    from: "+12015550100",
    to: "+12015550101",
    body,
    attachments: [],
    status: "queued",
    final: false,
    possible_duplicate: false,
    recipients: [],
    timestamp: at,
    created_at: at,
    updated_at: at,
  };
}

function thread(next: string | null, ...pages: number[][]): Thread {
  return {
    pages: pages.map((ids, index) => ({ data: ids.map((id) => message(id)), next_cursor: index === pages.length - 1 ? next : "more" })),
    pageParams: pages.map(() => undefined),
  };
}

function ids(of: Thread): number[][] {
  return of.pages.map((page) => page.data.map((message) => message.id));
}

describe("patchThread", () => {
  it("puts a new message first", () => {
    expect(ids(patchThread(thread(null, [5, 4], [3, 2]), [message(6)]))).toEqual([[6, 5, 4], [3, 2]]);
  });

  it("replaces one that is there, and leaves the other pages as they are", () => {
    const before = thread(null, [5, 4], [3, 2]);
    const after = patchThread(before, [message(3, "changed")]);
    expect(ids(after)).toEqual(ids(before));
    expect(after.pages[1]?.data[0]?.body).toBe("changed");
    expect(after.pages[0]).toBe(before.pages[0]);
  });

  it("puts one that claims an earlier time where it belongs, with the id deciding between equals", () => {
    expect(ids(patchThread(thread(null, [9, 8], [5, 4]), [message(10, "", 7)]))).toEqual([[9, 8], [10, 5, 4]]);
    expect(ids(patchThread(thread(null, [9, 8]), [message(10, "", 8)]))).toEqual([[9, 10, 8]]);
  });

  it("leaves out one before the oldest that was loaded, while there are older ones to load", () => {
    expect(ids(patchThread(thread("older", [9, 8]), [message(2)]))).toEqual([[9, 8]]);
    expect(ids(patchThread(thread(null, [9, 8]), [message(2)]))).toEqual([[9, 8, 2]]);
  });

  it("takes a first message of an empty thread", () => {
    expect(ids(patchThread(thread(null, []), [message(1)]))).toEqual([[1]]);
  });
});
