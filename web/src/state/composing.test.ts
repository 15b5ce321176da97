/** What is composed besides the text: kept over a reload, as far as the server has it. */
import { createStore } from "jotai";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Composing } from "./composing";
import { storedKeys } from "./stored";

beforeEach(() => {
  vi.resetModules();
});
afterEach(() => {
  localStorage.clear();
});

/** As a page sees it that was loaded just now. */
async function load() {
  vi.resetModules();
  const { composingAtom } = await import("./composing");
  const { forgetDrafts } = await import("./drafts");
  const store = createStore();
  return {
    read: () => store.get(composingAtom(7)),
    write: (change: Partial<Composing>) => store.set(composingAtom(7), (now) => ({ ...now, ...change })),
    forgetDrafts,
  };
}

const stop = new AbortController();
const done = { id: "1", name: "plan.pdf", sizeBytes: 12, stop, state: "done", url: "/api/attachments/1", mediaType: "application/pdf" } as const;
const begun = { id: "2", name: "photo.jpg", sizeBytes: 34, stop, state: "uploading", share: 0.5 } as const;

test("all of it survives the page", async () => {
  const chosen = { mode: "note", note: "ask Ada", way: "sms +12015550100 +12015550123 cc", subject: "A plan", scheduledAt: "2026-12-01T09:00:00.000Z", speaker: "bugs" } as const;
  (await load()).write({ ...chosen, files: [done] });
  const { read } = await load();
  const { name, sizeBytes, url, mediaType } = done;
  expect(read()).toMatchObject({ ...chosen, files: [{ state: "done", name, sizeBytes, url, mediaType }], lost: [] });
});

test("a file that the server did not have is named after the page, until its writer does without it", async () => {
  (await load()).write({ files: [done, begun] });
  const second = await load();
  expect(second.read()).toMatchObject({ files: [{ name: "plan.pdf" }], lost: ["photo.jpg"] });
  second.write({ subject: "A plan" });
  const third = await load();
  expect(third.read().lost).toEqual(["photo.jpg"]);
  third.write({ lost: [] });
  expect((await load()).read().lost).toEqual([]);
});

test("nothing is kept of what was emptied, nor of what was forgotten with the drafts", async () => {
  const { write, forgetDrafts } = await load();
  write({ subject: "A plan" });
  expect(storedKeys("draft")).toEqual(["draft-composing.7"]);
  write({ subject: "" });
  expect(storedKeys("draft")).toEqual([]);
  write({ note: "secret" });
  forgetDrafts();
  expect((await load()).read().note).toBe("");
});

test("what is kept there and is something else counts for nothing", async () => {
  localStorage.setItem("switchboard.draft-composing.7", '{"mode":3,"note":"ok","files":[{"url":1},null],"lost":[7,"a.txt"]}');
  expect((await load()).read()).toMatchObject({ mode: "message", note: "ok", files: [], lost: ["a.txt"] });
});
