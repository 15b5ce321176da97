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
  sessionStorage.clear();
  vi.unstubAllGlobals();
});

/** As a page sees it that was loaded just now. */
async function load() {
  vi.resetModules();
  const { composingAtom } = await import("./composing");
  const { forgetDrafts } = await import("./drafts");
  const { tabId } = await import("./outgoing");
  tabId();
  const store = createStore();
  return {
    read: () => store.get(composingAtom(7)),
    write: (change: Partial<Composing>) => store.set(composingAtom(7), (now) => ({ ...now, ...change })),
    open: () => store.sub(composingAtom(7), () => {}),
    settle: () => new Promise((resolve) => setTimeout(resolve)),
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

/** Another window of the same browser. */
function inAnotherWindow(tab: string) {
  sessionStorage.setItem("switchboard.tab", tab);
  return load();
}

/** The browser's own list of the windows that are there. */
function windowsThere(...held: string[]) {
  vi.stubGlobal("navigator", { locks: { query: () => Promise.resolve({ held: held.map((tab) => ({ name: `switchboard.window.${tab}` })) }) } });
}

test("a file that another window uploads is not lost before that one is gone", async () => {
  (await inAnotherWindow("one")).write({ files: [begun] });
  windowsThere("one");
  const second = await inAnotherWindow("two");
  const leave = second.open();
  await second.settle();
  expect(second.read().lost).toEqual([]);
  leave();
  windowsThere();
  const third = await inAnotherWindow("three");
  third.open();
  await third.settle();
  expect(third.read().lost).toEqual(["photo.jpg"]);
  third.write({ lost: [] });
  const fourth = await inAnotherWindow("four");
  fourth.open();
  await fourth.settle();
  expect(fourth.read().lost).toEqual([]);
});

test("a file that is attached again in place of one that went with its window is not lost again", async () => {
  (await inAnotherWindow("one")).write({ files: [begun] });
  windowsThere();
  const second = await inAnotherWindow("two");
  second.open();
  await second.settle();
  second.write({ files: [begun], lost: [] });
  second.write({ files: [{ ...done, name: begun.name }] });
  const third = await inAnotherWindow("three");
  third.open();
  await third.settle();
  expect(third.read()).toMatchObject({ files: [{ name: "photo.jpg", state: "done" }], lost: [] });
});

test("a window that uploads tells the others that it is there", async () => {
  const request = vi.fn();
  vi.stubGlobal("navigator", { locks: { request } });
  const { addFilesAtom } = await import("./composing");
  const { tabId } = await import("./outgoing");
  createStore().set(addFilesAtom, 7, [new File([], "a.txt")]);
  createStore().set(addFilesAtom, 8, [new File([], "b.txt")]);
  expect(request.mock.calls.map(([name]) => name)).toEqual([`switchboard.window.${tabId()}`]);
});

test("a window leaves alone what another one keeps", async () => {
  const second = await inAnotherWindow("two");
  second.read();
  (await inAnotherWindow("one")).write({ files: [done, begun], subject: "A plan" });
  second.write({ mode: "note", note: "ask Ada", files: [{ ...done, url: "/api/attachments/2", name: "map.pdf" }] });
  const { read } = await inAnotherWindow("one");
  expect(read()).toMatchObject({ mode: "note", note: "ask Ada", subject: "A plan", files: [{ name: "plan.pdf" }, { name: "map.pdf" }], lost: ["photo.jpg"] });
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
