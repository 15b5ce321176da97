/** What was begun to be written in each conversation. This browser keeps it until it is sent, or somebody else signs in. */
import { atom, type WritableAtom } from "jotai";
import { readStored, storedKeys, writeStored } from "./stored";
import { isUser, personOf } from "./turn";

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
 * takes none away; nor does the operator of `dev`, nor another workspace. Tells whether this window remembers another
 * person or another workspace.
 */
export function claimDrafts(owner: string): boolean {
  if (owner === "nobody") return false;
  const person = personOf(owner);
  const isAnothersTurn = isUser(turn) && turn !== owner && turn !== person;
  turn = owner;
  const before = readStored("drafts-owner");
  if (before === person || (isUser(before) && !isUser(person))) return isAnothersTurn;
  forgetDrafts();
  turn = owner;
  writeStored("drafts-owner", person);
  return isAnothersTurn || isUser(before);
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
  if (isNew) dropOldest(PREFIX);
}

/** Forgets the oldest of what is kept under keys that begin so, where there are too many; each says `at` when it was changed. */
export function dropOldest(prefix: string): void {
  const keys = storedKeys(prefix);
  if (keys.length <= MOST_DRAFTS) return;
  const byAge = keys.map((key) => ({ key, at: changedAt(readStored(key)) })).toSorted((one, other) => one.at - other.at);
  for (const { key } of byAge.slice(0, keys.length - MOST_DRAFTS)) writeStored(key, undefined);
}

function changedAt(kept: unknown): number {
  return typeof kept === "object" && kept !== null && "at" in kept && typeof kept.at === "number" ? kept.at : 0;
}
