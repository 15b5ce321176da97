import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readStored, storedKeys, writeStored } from "./stored";

let takeTurn: (identity: string) => boolean;
let changeTurn: (change: () => Promise<void>) => Promise<void>;
let hasTurn: (identity: string) => boolean;
let isTurnChanging: () => boolean;

/** As a window that was just opened. */
async function openWindow() {
  vi.resetModules();
  ({ changeTurn, hasTurn, isTurnChanging, takeTurn } = await import("./turn"));
}

beforeEach(openWindow);
afterEach(() => {
  vi.useRealTimers();
});

it("is no change when the same person goes on, or comes back after their session ended", () => {
  expect(takeTurn("user:1")).toBe(false);
  writeStored("own.mailbox", "shop@example.com");
  expect(takeTurn("nobody")).toBe(false);
  expect(takeTurn("user:1")).toBe(false);
  expect(readStored("own.mailbox")).toBe("shop@example.com");
});

it("leaves nothing of one person to the next, the operator of dev included", () => {
  for (const [one, next] of [["user:1", "user:2"], ["operator", "user:1"], ["user:2", "operator"]] as const) {
    takeTurn(one);
    writeStored("own.mailbox", "shop@example.com");
    expect(takeTurn(next)).toBe(true);
    expect(storedKeys("own.")).toEqual([]);
  }
});

it("clears what was kept in another window or before the page was loaded anew", async () => {
  takeTurn("user:1");
  writeStored("own.mailbox", "shop@example.com");
  writeStored("theme", "dark");
  await openWindow();
  expect(takeTurn("user:2")).toBe(false);
  expect(storedKeys("own.")).toEqual([]);
  expect(readStored("theme")).toBe("dark");
});

it("is nobody's from before the session changes until somebody takes it, and changes for as long as a request may take", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  takeTurn("user:1");
  let answer: (() => void) | undefined;
  const change = changeTurn(() => new Promise((resolve) => (answer = resolve)));
  expect([hasTurn("user:1"), isTurnChanging()]).toEqual([false, true]);
  vi.setSystemTime(Date.now() + 50_000);
  expect(isTurnChanging()).toBe(true);
  answer?.();
  await change;
  expect([hasTurn("user:1"), isTurnChanging()]).toEqual([false, false]);
  takeTurn("user:1");
  expect(hasTurn("user:1")).toBe(true);
});

it("changes no more when the server refused, and still may when its answer was lost", async () => {
  const { Offline, Problem } = await import("../api/problem");
  const refused = new Problem({ status: 401, code: "incorrect_code", detail: "wrong" });
  await expect(changeTurn(() => Promise.reject(refused))).rejects.toBe(refused);
  expect([hasTurn("user:1"), isTurnChanging()]).toEqual([false, false]);
  await expect(changeTurn(() => Promise.reject(new Offline()))).rejects.toThrow();
  expect(isTurnChanging()).toBe(true);
});

it("is shown to whoever comes while another window changes the session, and theirs only after it", async () => {
  writeStored("turn", { of: "user:1", parkedAt: Date.now() });
  expect(takeTurn("user:1")).toBe(false);
  expect(hasTurn("user:1")).toBe(false);
});
