/** Whether a key opens anything. */
import { expect, it } from "vitest";
import { standingOf } from "./standing";

const now = Date.parse("2030-01-01T12:00:00Z");

it("is good until it expires, and not a moment longer", () => {
  expect(standingOf({}, now).isGood).toBe(true);
  expect(standingOf({ expires_at: "2030-01-01T12:00:01Z" }, now).isGood).toBe(true);
  expect(standingOf({ expires_at: "2030-01-01T12:00:00Z" }, now)).toMatchObject({ isGood: false, label: "Expired" });
});

it("is revoked even where it would be good for longer", () => {
  expect(standingOf({ revoked_at: "2030-01-01T11:00:00Z", expires_at: "2031-01-01T00:00:00Z" }, now)).toMatchObject({ isGood: false, label: "Revoked" });
});
