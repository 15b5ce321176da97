import { QueryClient } from "@tanstack/react-query";
import { afterEach, describe, expect, it, vi } from "vitest";
import { keys } from "./keys";
import type { Message, Thread } from "./thread";
import { patchThread, refreshMessages } from "./thread";

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

/** A server that has the messages 1 to `last`. */
function serve(last: number): string[] {
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const { pathname, searchParams } = new URL(new Request(input).url);
    asked.push(pathname.replace("/api/conversations/1/messages", ""));
    const from = Number(searchParams.get("cursor") ?? last);
    const to = Math.max(from - Number(searchParams.get("limit")), 0);
    const data = Array.from({ length: from - to }, (_, index) => message(from - index, "read anew", 0));
    return Response.json({ data, next_cursor: to > 0 ? String(to) : null });
  });
  return asked;
}

async function refreshed(first: readonly number[], last: number, changed: readonly number[]) {
  const client = new QueryClient();
  const known = { pages: [{ data: first.map((id) => message(id, "", 0)), next_cursor: "older" }], pageParams: [undefined] };
  client.setQueryData<Thread>(keys.messages(1), known);
  const asked = serve(last);
  await refreshMessages(client, 1, changed);
  return { asked, thread: client.getQueryData<Thread>(keys.messages(1)), isStale: client.getQueryState(keys.messages(1))?.isInvalidated };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("refreshMessages", () => {
  afterEach(() => vi.restoreAllMocks());

  it("leaves no gap, however many messages were missed, where some of them were there already", async () => {
    const { asked, thread } = await refreshed([500, 450, 20, 19], 500, range(21, 500));
    expect(thread?.pages[0]?.data.map(({ id }) => id)).toEqual(range(19, 500).toReversed());
    expect(asked).toHaveLength(3);
  });

  it("reads no further back than what is new, and one by one what is older and was changed", async () => {
    const { asked, thread } = await refreshed([300, 40, 39], 300, [2, 39, ...range(290, 300)]);
    expect(asked).toEqual(["", "/39"]);
    expect(thread?.pages[0]?.data.filter(({ body }) => body === "read anew")).toHaveLength(200);
  });

  it("leaves it to the whole thread's reading when that is too far back", async () => {
    const { asked, isStale } = await refreshed([3_000, 1], 3_000, range(2, 3_000));
    expect(asked).toHaveLength(5);
    expect(isStale).toBe(true);
  });
});
