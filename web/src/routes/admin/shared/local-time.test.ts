/** Times in fields. */
import { expect, it } from "vitest";
import { fromLocalField, toLocalField } from "./local-time";

it("gives the same minute back, whatever the zone", () => {
  for (const at of ["2030-01-01T12:34:00.000Z", "2030-07-01T23:59:00.000Z", "2030-03-31T01:30:00.000Z"]) {
    expect(fromLocalField(toLocalField(new Date(at)))).toBe(at);
  }
});

it("reads nothing out of an empty field", () => {
  expect(fromLocalField("")).toBeUndefined();
  expect(fromLocalField("soon")).toBeUndefined();
});
