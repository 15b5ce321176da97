/** Long work. */
import { describe, expect, it } from "vitest";
import { Problem } from "../../../api/problem";
import { type Progress, work } from "./work";

const never = new AbortController().signal;
const nameOf = (item: number) => `number ${item}`;

function refuseTheSecond(item: number): Promise<void> {
  return item === 2 ? Promise.reject(new Problem({ status: 409, code: "not_replayable", detail: "it was sent" })) : Promise.resolve();
}

async function* breakingList() {
  yield 1;
  throw new Problem({ status: 500, code: "internal", detail: "no more" });
}

describe("work", () => {
  it("does each thing once, though several work at it", async () => {
    const seen: number[] = [];
    const act = async (item: number) => {
      await Promise.resolve();
      seen.push(item);
    };
    const end = await work({ items: Array.from({ length: 50 }, (_, index) => index), act, nameOf }, () => {}, never);
    expect(seen.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(end).toMatchObject({ state: "finished", done: 50, failed: 0 });
  });

  it("notes what fails, with its reason, and goes on", async () => {
    const end = await work({ items: [1, 2, 3], act: refuseTheSecond, nameOf }, () => {}, never);
    expect(end).toMatchObject({ state: "finished", done: 2, failed: 1, failures: [{ what: "number 2", why: "It was sent." }] });
  });

  it("stops when it is told to, without beginning more", async () => {
    const controller = new AbortController();
    const act = async (item: number) => {
      if (item === 5) controller.abort();
      await Promise.resolve();
    };
    const end = await work({ items: Array.from({ length: 1000 }, (_, index) => index), act, nameOf }, () => {}, controller.signal);
    expect(end.state).toBe("stopped");
    expect(end.done).toBeLessThan(20);
  });

  it("breaks off when the list itself cannot be read on, and says how far it came", async () => {
    const told: Progress[] = [];
    const end = await work({ items: breakingList(), act: () => Promise.resolve(), nameOf }, (progress) => told.push(progress), never);
    expect(end.state).toBe("broken");
    expect(end.done).toBe(1);
    expect(told.at(-1)).toEqual(end);
  });
});
