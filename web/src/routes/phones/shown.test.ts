/** Which handsets are shown, and what counts as an address. */
import { expect, it } from "vitest";
import { MOST_SHOWN, readAddress, withoutShown, withShown } from "./shown";

it("reads ten digits as a number of +1, and keeps what has its own country", () => {
  expect(readAddress("(202) 555-0142")).toEqual({ address: "+12025550142" });
  expect(readAddress("+49 30 901820")).toEqual({ address: "+4930901820" });
  expect(readAddress(" Me@Example.com ")).toEqual({ address: "me@example.com" });
});

it("says what is wrong with what is no address", () => {
  expect(readAddress("123")).toHaveProperty("problem");
  expect(readAddress("me@")).toHaveProperty("problem");
  expect(readAddress("hello")).toHaveProperty("problem");
  expect(readAddress("")).toHaveProperty("problem");
});

it("puts a new handset first, an old one nowhere else, and drops the last beyond the most", () => {
  const full = Array.from({ length: MOST_SHOWN }, (_, index) => `+1202555010${index}`);
  expect(withShown(full, "+12025550142")[0]).toBe("+12025550142");
  expect(withShown(full, "+12025550142")).toHaveLength(MOST_SHOWN);
  expect(withShown(full, "+12025550103")).toBe(full);
  expect(withoutShown(full, "+12025550103")).not.toContain("+12025550103");
});
