/** What is known only while it lasts: the connection, who is there, who is typing. `live` writes it, the pages read it. */
import { type Atom, atom } from "jotai";
import type { Live } from "../live";

/** `connecting` for the first time, `live`, or `waiting` for another try. */
export type Connection = "connecting" | "live" | "waiting";

export const connectionAtom = atom<Connection>("connecting");

/** The connection itself, where there is one, to say something by. */
export const liveAtom = atom<Live | undefined>(undefined);

/** Who is online, by username; whoever is not in it is nobody that the reader may know of. */
export const presenceAtom = atom<ReadonlyMap<string, boolean>>(new Map());

/** Who types where: conversation, username, and until when it counts, in milliseconds. */
export type TypingEntry = { conversation: number; userName: string; until: number };

export const typingEntriesAtom = atom<readonly TypingEntry[]>([]);

const NOBODY: readonly string[] = [];
const atoms = new Map<number, Atom<readonly string[]>>();

/** The usernames of those who type in a conversation now, in the order in which they began. */
export function typingAtom(conversation: number): Atom<readonly string[]> {
  let found = atoms.get(conversation);
  if (!found) {
    let last = NOBODY;
    found = atom((get) => {
      const names = get(typingEntriesAtom)
        .filter((entry) => entry.conversation === conversation)
        .map((entry) => entry.userName);
      const isSame = names.length === last.length && names.every((name, index) => name === last[index]);
      if (!isSame) last = names;
      return last;
    });
    atoms.set(conversation, found);
  }
  return found;
}
