import { describe, expect, it } from "vitest";
import { type Conversation, counterparts, formatAddress, snippetOf, titleOf } from "./names";

const last = (direction: "inbound" | "outbound", from: string) => ({ direction, from }) as NonNullable<Conversation["last_message"]>;
const numbers = (participants: string[], message?: Conversation["last_message"]) => ({ kind: "numbers" as const, participants, last_message: message });

describe("who the other one is", () => {
  it("is whoever does not write for us", () => {
    const both = ["+12015550100", "+12025550102"];
    expect(counterparts(numbers(both, last("outbound", "+12015550100")), undefined)).toEqual(["+12025550102"]);
    expect(counterparts(numbers(both, last("inbound", "+12025550102")), undefined)).toEqual(["+12025550102"]);
  });

  it("is everybody else among people, and oneself only when alone", () => {
    expect(counterparts({ kind: "group", participants: ["bugs", "duck", "porky"] }, "duck")).toEqual(["bugs", "porky"]);
    expect(counterparts({ kind: "group", participants: ["duck"] }, "duck")).toEqual(["duck"]);
  });

  it("is called by their name where they have one", () => {
    const one = numbers(["+12015550100", "+12025550102"], last("inbound", "+12025550102"));
    expect(titleOf(one, undefined)).toBe("(202) 555-0102");
    expect(titleOf({ ...one, contact: { id: 1, name: "Ada" } }, undefined)).toBe("Ada");
    expect(titleOf({ kind: "group", name: "Team", participants: ["a", "b"] }, "a")).toBe("Team");
  });
});

it("leaves addresses that are no +1 numbers as they are", () => {
  expect(formatAddress("+442071838750")).toBe("+442071838750");
  expect(formatAddress("ada@example.org")).toBe("ada@example.org");
  expect(formatAddress("72345")).toBe("72345");
});

describe("a message in one line", () => {
  it("is a mail's subject and text, without its tags", () => {
    expect(snippetOf({ subject: "Hi", body: "<style>p{}</style><p>Dear&nbsp;Ada,<br>1 &lt; 2</p>" })).toBe("Hi · Dear Ada, 1 < 2");
  });

  it("is a text as it stands, angles and all", () => {
    expect(snippetOf({ body: "a < b\nand c > d" })).toBe("a < b and c > d");
  });
});
