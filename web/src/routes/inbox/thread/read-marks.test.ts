import { expect, it } from "vitest";
import type { Session } from "../../../state/session";
import { maybeRead, seenUpTo } from "./read-marks";
import type { Row } from "./rows";

const row = (id: number) => ({ kind: "message", key: id, message: { id } }) as unknown as Row;
const other = { kind: "activity", key: "a1" } as unknown as Row;

it("goes no further than what was seen", () => {
  expect(seenUpTo([row(1), row(2), row(3)], 1)).toBe(2);
  expect(seenUpTo([row(1), other, row(3)], 1)).toBe(1);
  expect(seenUpTo([row(9), row(2), row(3)], 1)).toBe(2);
  expect(seenUpTo([], -1)).toBeUndefined();
});

it("counts at the end what came in last, though it claims an earlier time", () => {
  expect(seenUpTo([row(1), row(9), row(3)], 2)).toBe(9);
  expect(seenUpTo([row(1), row(9), row(3)], 0)).toBe(1);
});

it("tells a stranger nothing, and marks nothing for others", () => {
  const bugs = { kind: "user", role: "member", isDev: true, user: { username: "bugs" } } as Session;
  const operator: Session = { kind: "operator", role: "admin", isDev: true };
  const chat = { kind: "direct", participants: ["bugs", "duck"] } as const;
  const own = { ...chat, participants: [...chat.participants] };
  expect(maybeRead(own, bugs)).toBe(true);
  expect(maybeRead({ ...own, is_request: true }, bugs)).toBe(false);
  expect(maybeRead(own, operator)).toBe(false);
  expect(maybeRead({ kind: "numbers", participants: [] }, operator)).toBe(true);
  expect(maybeRead({ kind: "numbers", participants: [] }, bugs)).toBe(false);
});
