/** Whose turn it is in this browser: its windows share one session, and none may send for whoever had it before. */
import { readStored, writeStored } from "./stored";

/** So long a change of the session may be on its way. */
const PARKED_MS = 10_000;

/** Names a person by `identityOf`, without where they act. */
export function personOf(owner: string): string {
  return owner.replace(/@.*/, "");
}

/** Whether it is a person who signed in. */
export function isUser(owner: unknown): owner is string {
  return typeof owner === "string" && owner.startsWith("user:");
}

export function takeTurn(owner: string): void {
  writeStored("turn", owner);
}

/** The session may be another's from now on: nothing is sent until the server said whose it is. */
export function parkTurn(): void {
  writeStored("turn", Date.now());
}

/** Where nothing can be stored, it is this window's. */
export function hasTurn(owner: string): boolean {
  const turn = readStored("turn");
  return turn === undefined || turn === owner;
}

/** Whether the session is changing now, so that what the server says of it may be over when it is heard. */
export function isTurnChanging(): boolean {
  const turn = readStored("turn");
  return typeof turn === "number" && Date.now() - turn < PARKED_MS;
}
