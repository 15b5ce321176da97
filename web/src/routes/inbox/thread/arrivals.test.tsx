/** What screen readers are told of a thread that is open. */
import { act, renderHook } from "@testing-library/react";
import { createStore, Provider } from "jotai";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Message } from "../../../api/thread";
import { onAnnouncement } from "../../../parts/announce";
import { claimOutgoingAtom, type Outgoing, putOutgoingAtom } from "../../../state/outgoing";
import { useArrivals, useRefusals } from "./arrivals";

const told: string[] = [];
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  told.length = 0;
  stop = onAnnouncement((text) => told.push(text));
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

function message(id: number, more: Partial<Message> = {}): Message {
  return { id, direction: "inbound", from: "+12025550142", body: `text ${id}`, timestamp: `2027-05-03T12:00:00.${String(id).padStart(6, "0")}Z`, ...more } as Message;
}

/** The newest first, as the server gives them. */
function open(...messages: Message[]) {
  const { rerender } = renderHook(({ shown }: { shown: Message[] | undefined }) => useArrivals(shown && { pages: [{ data: shown }] }), {
    initialProps: { shown: messages.length > 0 ? messages : undefined },
  });
  return (...shown: Message[]) => rerender({ shown });
}

it("tells of what comes in, not of what was there or what the reader sends", async () => {
  const show = open();
  show(message(2), message(1));
  show(message(4, { direction: "outbound" }), message(3), message(2), message(1));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual(["(202) 555-0142: text 3"]);
});

it("tells of each once, though it goes and comes again", async () => {
  const show = open(message(1));
  show(message(2), message(1));
  await vi.advanceTimersByTimeAsync(5_000);
  show(message(1));
  show(message(2), message(1));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual(["(202) 555-0142: text 2"]);
});

it("tells of a flood as a number, now and then", async () => {
  const shown = [message(1)];
  const show = open(...shown);
  for (let id = 2; id <= 41; id += 1) {
    shown.unshift(message(id));
    show(...shown);
    await vi.advanceTimersByTimeAsync(100);
  }
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told.length).toBeLessThanOrEqual(3);
  expect(told[0]).toMatch(/^\d+ new messages\. The last is from \(202\) 555-0142: text \d+$/);
  expect(told.reduce((sum, text) => sum + Number.parseInt(text, 10), 0)).toBe(40);
});

it("tells of what is refused while the thread is open, each time it is, and not of what was refused before", () => {
  const store = createStore();
  store.set(claimOutgoingAtom, "user:1");
  const put = (key: string, state: Outgoing["state"]) =>
    act(() =>
      store.set(putOutgoingAtom, {
        key,
        state,
        error: `${key} is too long.`,
        conversationId: 7,
        type: "sms",
        body: "hello",
        attachments: [],
        at: new Date().toISOString(),
        owner: "user:1",
        tab: "t1",
        after: 0,
        request: { route: "reply", body: { body: "hello" } },
      }),
    );
  put("old", "failed");
  renderHook(() => useRefusals(7), { wrapper: ({ children }: { children: ReactNode }) => <Provider store={store}>{children}</Provider> });
  put("new", "sending");
  put("new", "failed");
  put("new", "waiting");
  put("new", "failed");
  expect(told).toEqual(["Not sent. new is too long.", "Not sent. new is too long."]);
});
