/** The moments that are offered, as seen from different days. */
import { expect, test } from "vitest";
import { presetsAt, toLocalField } from "./when";

const offered = (now: Date) => presetsAt(now).map(({ label, at }) => `${label}: ${toLocalField(at)}`);

test("on a Wednesday noon there is an evening, a tomorrow and a Monday", () => {
  expect(offered(new Date(2026, 10, 18, 12, 30))).toEqual([
    "In an hour: 2026-11-18T13:30",
    "This evening: 2026-11-18T18:00",
    "Tomorrow morning: 2026-11-19T09:00",
    "Monday morning: 2026-11-23T09:00",
  ]);
});

test("late in the evening there is no evening to come", () => {
  expect(offered(new Date(2026, 10, 18, 21, 0)).some((line) => line.startsWith("This evening"))).toBe(false);
});

test("on a Monday the next one is meant, and on a Sunday tomorrow is Monday", () => {
  expect(offered(new Date(2026, 10, 23, 8, 0))).toContain("Monday morning: 2026-11-30T09:00");
  expect(offered(new Date(2026, 10, 22, 8, 0)).filter((line) => line.endsWith("2026-11-23T09:00"))).toEqual(["Tomorrow morning: 2026-11-23T09:00"]);
});
