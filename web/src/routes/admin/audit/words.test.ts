/** The audit in words. */
import { expect, it } from "vitest";
import { actorName, deedOf, details } from "./words";

const entry = { id: 1, at: "2030-01-01T12:00:00Z", actor: "user:3", action: "key.created", target: "key:7", data: {} };

it("says what was done, and shows what it does not know by its name", () => {
  expect(deedOf(entry)).toBe("Made an API key");
  expect(deedOf({ ...entry, action: "moon.was_painted" })).toBe("moon was painted");
});

it("names people by their usernames and the rest as they are written", () => {
  expect(actorName({ ...entry, actor_name: "bugs" })).toBe("bugs");
  expect(actorName({ ...entry, actor: "operator" })).toBe("The operator");
  expect(actorName({ ...entry, actor: "key:7" })).toBe("key:7");
});

it("lists details without losing what is nested", () => {
  expect(details({ from: "member", to: "admin" })).toBe("from: member, to: admin");
  expect(details({ address_ids: [1, 2] })).toBe("address ids: [1,2]");
  expect(details({})).toBe("");
});
