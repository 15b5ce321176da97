/** Which handsets come by themselves. */
import { expect, it } from "vitest";
import { arrivals } from "./arrivals";

const handset = (address: string, last_message_at: string) => ({ address, last_message_at, message_count: 1 });
const since = Date.parse("2030-01-01T12:00:00Z");

it("shows what was written to since a sign-in began, and nothing older", () => {
  const handsets = [handset("+12025550142", "2030-01-01T11:59:58Z"), handset("+12025550143", "2030-01-01T11:00:00Z")];
  expect(arrivals(handsets, [], since)).toEqual(["+12025550142"]);
});

it("shows nothing twice, and nothing at all while nobody signs in", () => {
  const handsets = [handset("+12025550142", "2030-01-01T12:00:01Z")];
  expect(arrivals(handsets, ["+12025550142"], since)).toEqual([]);
  expect(arrivals(handsets, [], undefined)).toEqual([]);
});

it("puts the phone, where the code is, before the mailbox", () => {
  const handsets = [handset("me@example.com", "2030-01-01T12:00:02Z"), handset("+12025550142", "2030-01-01T12:00:01Z")];
  expect(arrivals(handsets, [], since)).toEqual(["+12025550142", "me@example.com"]);
});
