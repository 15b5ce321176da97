import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keys } from "./api/keys";
import { changedMessages, newEffects, staleKeys } from "./live-effects";
import type { LiveEvent } from "./live-frames";

function event(type: string, more: Partial<LiveEvent> = {}): LiveEvent {
  return { id: 1, type, conversationId: 7, messageId: undefined, messageIds: [], status: undefined, ...more };
}

describe("what an event makes stale", () => {
  it("is the lists and the message, when one moves", () => {
    const moved = event("message.status", { messageId: 3, status: "delivered" });
    expect(staleKeys(moved)).toEqual([keys.conversations, keys.allSentStatuses, keys.message(7, 3)]);
    expect(changedMessages(moved)).toEqual([3]);
  });

  it("is the dead letters too, when one is given up", () => {
    expect(staleKeys(event("message.status", { messageId: 3, status: "dead" }))).toContainEqual(keys.deadLetters);
  });

  it("is no message, when an agent has read a conversation", () => {
    expect(changedMessages(event("message.read"))).toEqual([]);
    expect(changedMessages(event("message.read", { messageIds: [1, 2] }))).toEqual([1, 2]);
  });

  it("is all of the conversation, when the event is of a kind from tomorrow", () => {
    expect(staleKeys(event("conversation.pinned"))).toEqual([keys.conversations, keys.conversation(7)]);
  });

  it("never reaches another conversation", () => {
    for (const type of ["message.accepted", "message.received", "message.status", "message.read", "message.edited", "conversation.updated"]) {
      const stale = staleKeys(event(type, { messageId: 3 }));
      expect(stale.filter((key) => key[0] === "conversation").every((key) => key[1] === 7)).toBe(true);
    }
  });
});

describe("effects", () => {
  let client: QueryClient;
  let stop: () => void;

  beforeEach(() => {
    vi.useFakeTimers();
    client = new QueryClient();
  });
  afterEach(() => {
    stop();
    client.clear();
    vi.useRealTimers();
  });

  it("read what changed in a burst once now and once after it, never in the middle of a reading", async () => {
    let reads = 0;
    const queryFn = async () => {
      reads += 1;
      await new Promise((resolve) => setTimeout(resolve, 250));
      return reads;
    };
    stop = new QueryObserver(client, { queryKey: keys.conversationList({}), queryFn, staleTime: Number.POSITIVE_INFINITY }).subscribe(() => {});
    await vi.advanceTimersByTimeAsync(300);
    expect(reads).toBe(1);
    const effects = newEffects(client);
    for (let id = 0; id < 20; id += 1) {
      effects.take(event("conversation.created", { id }));
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect(reads).toBe(3);
    effects.stop();
  });

  it("read anew how the server runs when it is there again, and nothing else that was had", async () => {
    const reads = { app: 0, conversations: 0 };
    const watch = (what: keyof typeof reads, queryKey: readonly unknown[]) =>
      new QueryObserver(client, { queryKey, queryFn: () => Promise.resolve((reads[what] += 1)), staleTime: Number.POSITIVE_INFINITY }).subscribe(() => {});
    const stops = [watch("app", [...keys.app, "facts"]), watch("conversations", keys.conversationList({}))];
    stop = () => stops.forEach((end) => end());
    await vi.advanceTimersByTimeAsync(10);
    const effects = newEffects(client);
    effects.recover();
    await vi.advanceTimersByTimeAsync(10);
    expect(reads).toEqual({ app: 2, conversations: 1 });
    effects.stop();
  });

  it("read no more than ten times a second, however quick the answers are", async () => {
    let reads = 0;
    const queryFn = () => Promise.resolve((reads += 1));
    stop = new QueryObserver(client, { queryKey: keys.conversationList({}), queryFn, staleTime: Number.POSITIVE_INFINITY }).subscribe(() => {});
    await vi.advanceTimersByTimeAsync(300);
    const effects = newEffects(client);
    reads = 0;
    for (let id = 0; id < 100; id += 1) {
      effects.take(event("conversation.created", { id }));
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(200);
    expect(reads).toBeGreaterThan(5);
    expect(reads).toBeLessThanOrEqual(12);
    effects.stop();
  });
});
