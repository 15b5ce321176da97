/** Whose turn it is in this browser. What one person left in its memory is not the next one's. */
import { readStored, storedKeys, writeStored } from "./stored";

/** What is kept under keys that begin so goes with its person. Whatever else is kept by this browser is a preference, or minds its owner itself. */
export const OWN = "own.";

/** Whose turn it is in this window. */
let turn: string | undefined;

/**
 * Gives the turn to somebody, as `identityOf` names them: what another's turn kept here goes. Nobody's turn, such as a
 * session that ended, takes none away. Tells whether this window still remembers another's turn.
 */
export function takeTurn(identity: string): boolean {
  if (identity === "nobody") return false;
  const isRemembered = turn !== undefined && turn !== identity;
  turn = identity;
  if (readStored("turn") !== identity) {
    for (const key of storedKeys(OWN)) writeStored(key, undefined);
    writeStored("turn", identity);
  }
  return isRemembered;
}
