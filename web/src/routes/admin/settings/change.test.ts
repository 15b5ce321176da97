/** What is sent of the settings. */
import { expect, it } from "vitest";
import { changesOf, fieldsOf } from "./change";

const settings = { id: 1, name: "Shop", strangers: "ask", group_history: "joined", help_text: null, quiet_hours: null, created_at: "2030-01-01T00:00:00Z" } as const;
const before = fieldsOf(settings, "Europe/Berlin");

it("sends nothing where nothing was changed", () => {
  expect(changesOf(before, { ...before })).toEqual({});
  expect(changesOf(before, { ...before, from: "22:00" })).toEqual({});
});

it("sends only what was changed", () => {
  expect(changesOf(before, { ...before, help_text: "Call us" })).toEqual({ help_text: "Call us" });
  expect(changesOf(before, { ...before, strangers: "no" })).toEqual({ strangers: "no" });
});

it("puts quiet hours on with their times, and off with null", () => {
  const on = { ...before, isQuiet: true };
  expect(changesOf(before, on)).toEqual({ quiet_hours: { from: "21:00", until: "08:00", zone: "Europe/Berlin" } });
  expect(changesOf(on, { ...on, until: "09:00" })).toEqual({ quiet_hours: { from: "21:00", until: "09:00", zone: "Europe/Berlin" } });
  expect(changesOf(on, { ...on, isQuiet: false })).toEqual({ quiet_hours: null });
});
