import { beforeEach, expect, it, vi } from "vitest";
import { readStored, storedKeys, writeStored } from "./stored";

let takeTurn: (identity: string) => boolean;

/** As a window that was just opened. */
async function openWindow() {
  vi.resetModules();
  ({ takeTurn } = await import("./turn"));
}

beforeEach(openWindow);

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
