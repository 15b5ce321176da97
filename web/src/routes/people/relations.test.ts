import { describe, expect, it } from "vitest";
import { everybodyElse, matches, relationsOf } from "./relations";

function person(id: number, user_name: string, first_name = "", last_name = "") {
  return { id, user_name, first_name, last_name, email: null, mfa: true, created_at: "2026-11-21T22:00:00Z", modified_at: "2026-11-21T22:00:00Z" };
}

function friend(id: number, user_name: string) {
  return { ...person(id, user_name), since: "2026-11-21T22:00:00Z" };
}

function request(id: number, user_name: string, direction: string) {
  return { id, user_name, direction, created_at: "2026-11-21T22:00:00Z" };
}

describe("how people stand to the reader", () => {
  it("tells who asks from who is asked, and a block ends the rest", () => {
    const relations = relationsOf({
      friends: [friend(1, "bugs"), friend(4, "porky")],
      requests: [request(2, "duck", "in"), request(3, "wile", "out")],
      blocks: [friend(4, "porky")],
    });
    expect(Object.fromEntries(relations)).toEqual({ bugs: "friend", duck: "asks", wile: "asked", porky: "blocked" });
  });

  it("lists everybody else by name, strangers too", () => {
    const people = [person(1, "me"), person(3, "abel", "Zed"), person(2, "zorro", "Abe")];
    expect(everybodyElse(people, new Map([["abel", "friend"]]), "me")).toEqual([
      { userName: "zorro", name: "Abe", relation: "none" },
      { userName: "abel", name: "Zed", relation: "friend" },
    ]);
  });
});

describe("a search among people", () => {
  const daffy = { userName: "duck", name: "Daffy Duck Zoë" };

  it("finds words that begin a name, in any order, and parts of the username", () => {
    expect(matches(daffy, "du daf")).toBe(true);
    expect(matches(daffy, "ZOË")).toBe(true);
    expect(matches(daffy, "@uck")).toBe(true);
  });

  it("does not find what only some words fit, nor the middle of a name", () => {
    expect(matches(daffy, "daffy bunny")).toBe(false);
    expect(matches(daffy, "affy")).toBe(false);
  });
});
