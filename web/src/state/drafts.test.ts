import { createStore } from "jotai";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { claimDrafts, draftAtom, forgetDrafts, MOST_DRAFTS } from "./drafts";
import { storedKeys } from "./stored";

describe("drafts", () => {
  beforeEach(() => forgetDrafts());

  it("are kept for each conversation, and gone once emptied", () => {
    const store = createStore();
    store.set(draftAtom(1), "to be");
    store.set(draftAtom(2), "or not");
    expect(store.get(draftAtom(1))).toBe("to be");
    expect(storedKeys("draft.")).toHaveLength(2);
    store.set(draftAtom(1), "");
    expect(storedKeys("draft.")).toEqual(["draft.2"]);
  });

  it("survive the page", async () => {
    createStore().set(draftAtom(5), "half a word");
    vi.resetModules();
    const again = await import("./drafts");
    expect(createStore().get(again.draftAtom(5))).toBe("half a word");
  });

  it("are nobody else's", () => {
    const store = createStore();
    claimDrafts("user:1");
    store.set(draftAtom(1), "secret");
    claimDrafts("user:1");
    expect(store.get(draftAtom(1))).toBe("secret");
    claimDrafts("user:2");
    expect(store.get(draftAtom(1))).toBe("");
    expect(storedKeys("draft.")).toEqual([]);
  });

  it("outlive a session that ended, and the operator's turn, for whoever wrote them", () => {
    const store = createStore();
    claimDrafts("user:1");
    store.set(draftAtom(1), "half a word");
    expect(claimDrafts("nobody")).toBe(false);
    expect(claimDrafts("user:1")).toBe(false);
    expect(storedKeys("draft.")).toEqual(["draft.1"]);
    expect(claimDrafts("operator")).toBe(true);
    claimDrafts("user:1");
    expect(store.get(draftAtom(1))).toBe("half a word");
    expect(storedKeys("draft.")).toEqual(["draft.1"]);
    claimDrafts("nobody");
    expect(claimDrafts("user:2")).toBe(true);
    expect(storedKeys("draft.")).toEqual([]);
  });

  it("stay with their person in another workspace, of which the window is to begin anew", () => {
    const store = createStore();
    expect(claimDrafts("user:1@1")).toBe(false);
    store.set(draftAtom(1), "half a word");
    expect(claimDrafts("user:1@1")).toBe(false);
    expect(claimDrafts("user:1@2")).toBe(true);
    expect(store.get(draftAtom(1))).toBe("half a word");
    expect(claimDrafts("user:2@2")).toBe(true);
    expect(storedKeys("draft.")).toEqual([]);
  });

  it("are forgotten beyond a number, the oldest first", () => {
    vi.useFakeTimers();
    const store = createStore();
    for (let id = 1; id <= MOST_DRAFTS + 2; id += 1) {
      vi.setSystemTime(id * 1000);
      store.set(draftAtom(id), `draft ${id}`);
    }
    vi.useRealTimers();
    expect(storedKeys("draft.")).toHaveLength(MOST_DRAFTS);
    expect(storedKeys("draft.")).not.toContain("draft.1");
    expect(storedKeys("draft.")).toContain("draft.3");
  });

  it("are dropped where what is kept is something else", () => {
    localStorage.setItem("switchboard.draft.9", '{"text":7}');
    expect(createStore().get(draftAtom(9))).toBe("");
  });
});
