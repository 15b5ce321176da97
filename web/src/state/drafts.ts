/** What was begun to be written in each conversation. This browser keeps it until it is sent, or somebody else signs in. */
import { atom, type WritableAtom } from "jotai";
import { readStored, storedKeys, writeStored } from "./stored";

/** Drafts beyond these are forgotten, the oldest first. */
export const MOST_DRAFTS = 100;
const MOST_CHARACTERS = 100_000;

interface Draft {
  text: string;
  /** When it was changed last, in milliseconds. */
  at: number;
}

type DraftAtom = WritableAtom<string, [string], void>;

const PREFIX = "draft.";
const atoms = new Map<number, DraftAtom>();

/** The draft of one conversation; the same atom each time. */
export function draftAtom(conversation: number): DraftAtom {
  let found = atoms.get(conversation);
  if (!found) {
    found = newDraftAtom(conversation);
    atoms.set(conversation, found);
  }
  return found;
}

function newDraftAtom(conversation: number): DraftAtom {
  const kept = atom(readDraft(conversation)?.text ?? "");
  return atom(
    (get) => get(kept),
    (_get, set, text: string) => {
      set(kept, text);
      writeDraft(conversation, text);
    },
  );
}

/** Whose turn it is in this window. */
let turn: string | undefined;

/**
 * The drafts are whose they are: when it is another user's turn, they go. Nobody's turn, such as a session that ended,
 * takes none away; nor does the operator of `dev`. Tells whether this window remembers another person.
 */
export function claimDrafts(owner: string): boolean {
  if (owner === "nobody") return false;
  const isAnothersTurn = turn !== owner && isUser(turn);
  turn = owner;
  const before = readStored("drafts-owner");
  if (before === owner || (isUser(before) && !isUser(owner))) return isAnothersTurn;
  forgetDrafts();
  turn = owner;
  writeStored("drafts-owner", owner);
  return isAnothersTurn || isUser(before);
}

function isUser(owner: unknown): boolean {
  return typeof owner === "string" && owner.startsWith("user:");
}

/** Forgets every draft, those of other pages too: their keys begin with `draft`. */
export function forgetDrafts(): void {
  for (const key of storedKeys("draft")) writeStored(key, undefined);
  atoms.clear();
  turn = undefined;
}

function readDraft(conversation: number): Draft | undefined {
  return asDraft(readStored(PREFIX + conversation));
}

function asDraft(kept: unknown): Draft | undefined {
  if (typeof kept !== "object" || kept === null || !("text" in kept) || !("at" in kept)) return undefined;
  return typeof kept.text === "string" && typeof kept.at === "number" ? { text: kept.text, at: kept.at } : undefined;
}

function writeDraft(conversation: number, text: string): void {
  const key = PREFIX + conversation;
  if (text === "") {
    writeStored(key, undefined);
    return;
  }
  const isNew = readStored(key) === undefined;
  writeStored(key, { text: text.slice(0, MOST_CHARACTERS), at: Date.now() } satisfies Draft);
  if (isNew) dropOldest();
}

function dropOldest(): void {
  const keys = storedKeys(PREFIX);
  if (keys.length <= MOST_DRAFTS) return;
  const byAge = keys.map((key) => ({ key, at: asDraft(readStored(key))?.at ?? 0 })).toSorted((one, other) => one.at - other.at);
  for (const { key } of byAge.slice(0, keys.length - MOST_DRAFTS)) writeStored(key, undefined);
}
