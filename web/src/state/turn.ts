/**
 * Whose turn it is in this browser: its windows share one session. None may send for whoever had it before, and what one
 * person left in its memory is not the next one's.
 */
import { PATIENCE_MS } from "../api/client";
import { Problem } from "../api/problem";
import { readStored, storedKeys, writeStored } from "./stored";

/** What is kept under keys that begin so goes with its person. Whatever else is kept by this browser is a preference, or minds its owner itself. */
export const OWN = "own.";

interface Turn {
  /** As `identityOf` names them. */
  of: string;
  /** Since when the session may be another's, by a change that may still be on its way; 0 when none is. */
  parkedAt?: number;
}

/** Whose turn it is in this window. */
let turn: string | undefined;

/** Names a person by `identityOf`, without where they act. */
export function personOf(owner: string): string {
  return owner.replace(/@.*/, "");
}

/** Whether it is a person who signed in. */
export function isUser(owner: unknown): owner is string {
  return typeof owner === "string" && owner.startsWith("user:");
}

/**
 * Gives the turn to somebody, as `identityOf` names them: what another's turn kept here goes. Nobody's turn, such as a
 * session that ended, takes none away; and while another window changes the session it stays parked. Tells whether this window still remembers another's turn.
 */
export function takeTurn(identity: string): boolean {
  if (identity === "nobody") return false;
  const isRemembered = turn !== undefined && turn !== identity;
  turn = identity;
  const before = readTurn();
  if (before?.of !== identity) {
    for (const key of storedKeys(OWN)) writeStored(key, undefined);
  }
  writeStored("turn", { ...(isTurnChanging() && before), of: identity } satisfies Turn);
  return isRemembered;
}

/** The session may be another's from now on: nothing is sent until the server said whose it is. */
export function parkTurn(parkedAt = 0): void {
  writeStored("turn", { of: readTurn()?.of ?? "", parkedAt } satisfies Turn);
}

/** Changes the session: the turn is parked from before the request on. Without an answer it may still be on its way. */
export async function changeTurn<T>(change: () => Promise<T>): Promise<T> {
  const parkedAt = Date.now();
  parkTurn(parkedAt);
  const end = () => {
    if (readTurn()?.parkedAt === parkedAt) parkTurn();
  };
  try {
    const answer = await change();
    end();
    return answer;
  } catch (error) {
    if (error instanceof Problem) end();
    throw error;
  }
}

/** Where nothing can be stored, it is this window's. */
export function hasTurn(owner: string): boolean {
  const stored = readTurn();
  return stored === undefined || (stored.parkedAt === undefined && stored.of === owner);
}

/** Whether the session is changing now, so that what the server says of it may be over when it is heard. */
export function isTurnChanging(): boolean {
  const parkedAt = readTurn()?.parkedAt;
  return parkedAt !== undefined && Date.now() - parkedAt < PATIENCE_MS;
}

function readTurn(): Turn | undefined {
  const stored = readStored("turn");
  if (typeof stored !== "object" || stored === null || !("of" in stored) || typeof stored.of !== "string") return undefined;
  const parkedAt = "parkedAt" in stored && typeof stored.parkedAt === "number" ? stored.parkedAt : undefined;
  return { of: stored.of, ...(parkedAt !== undefined && { parkedAt }) };
}
