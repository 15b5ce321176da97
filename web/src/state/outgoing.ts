/**
 * What was written here and is not yet taken by the server: shown at once, kept by this browser until it is.
 * One entry of the storage for each, so that two windows never write over each other's.
 */
import { type Atom, atom } from "jotai";
import { newIdempotencyKey, type Schemas } from "../api/client";
import type { Message } from "../api/thread";
import { readStored, storedKeys, writeStored } from "./stored";
import { isUser, personOf } from "./turn";

/** What is asked of the server; the same, under the same key, however often. */
export type SendRequest =
  | { route: "reply"; body: Schemas["ReplyRequest"] }
  | { route: "sms"; body: Schemas["SmsDraft"] }
  | { route: "email"; body: Schemas["EmailDraft"] };

/** `sending` now; `waiting` for the server to be reached; `failed`: the server refused it, `error` says why. */
export type OutgoingState = "sending" | "waiting" | "failed";

export interface Outgoing {
  /** Its `Idempotency-Key`: whatever happens on the way, it is taken once. */
  key: string;
  conversationId: number;
  type: Schemas["Channel"];
  /** By which address, where it is not the one that the conversation goes by. */
  to?: string;
  subject?: string;
  body: string;
  attachments: readonly string[];
  scheduledAt?: string;
  /** The `id` of the way it goes, where there are several. */
  way?: string;
  /** When it was written, RFC 3339. */
  at: string;
  state: OutgoingState;
  error?: string;
  /** While the server is reached and answers with faults. */
  trouble?: Trouble | undefined;
  /** Who wrote it, and where they acted: nobody else sees or sends it, nor they themselves in another workspace. */
  owner: string;
  /** In which window: that one sends it; another only when that is gone. */
  tab: string;
  /** The newest message that was known when it was sent: its own is newer. */
  after: number;
  request: SendRequest;
}

export interface Trouble {
  /** Since when there was nothing else, and when it is tried again, in milliseconds. */
  since: number;
  nextAt: number;
  /** What the server said last. */
  error: string;
}

/** What its writer says of it; the rest is added by `sendAtom`. */
export type OutgoingDraft = Omit<Outgoing, "key" | "at" | "state" | "error" | "trouble" | "owner" | "tab">;

const PREFIX = "outgoing.";
/** A fault of the server's that is over sooner is not spoken of. */
const LONG_TROUBLE_MS = 120_000;
/** The server knows a key for 24 hours. */
const KEY_LIFE_MS = 23 * 3_600_000;

/** The keys of those that the storage did not take: they live as long as the page. */
const unkept = new Set<string>();

/** All of them, in the order in which they were written. Set through `putOutgoing` and `dropOutgoing`. */
const entriesAtom = atom<readonly Outgoing[]>(readAll());
entriesAtom.onMount = (set) => {
  set(readAnew);
  const follow = ({ key, newValue }: StorageEvent) => {
    if (key !== null && !key.includes(PREFIX)) return;
    // Another window took it away: the server has it, or its writer wants it back.
    if (key !== null && newValue === null) unkept.delete(key.slice(key.indexOf(PREFIX) + PREFIX.length));
    set(readAnew);
  };
  addEventListener("storage", follow);
  return () => removeEventListener("storage", follow);
};

/** Whose they are to be; `claimOutgoing` sets it. */
const ownerAtom = atom<string | undefined>(undefined);

const NONE: readonly Outgoing[] = [];

/** Everything of whoever is signed in that is on its way. */
export const allOutgoingAtom = atom((get) => {
  const owner = get(ownerAtom);
  const found = get(entriesAtom).filter((entry) => entry.owner === owner);
  return found.length === 0 ? NONE : found;
});

const atoms = new Map<number, Atom<readonly Outgoing[]>>();

/** What is on its way in one conversation, the oldest first: rows at the end of its thread. */
export function outgoingAtom(conversation: number): Atom<readonly Outgoing[]> {
  let found = atoms.get(conversation);
  if (!found) {
    let last = NONE;
    found = atom((get) => {
      const rows = get(allOutgoingAtom).filter((entry) => entry.conversationId === conversation);
      const isSame = rows.length === last.length && rows.every((row, index) => row === last[index]);
      if (!isSame) last = rows;
      return last;
    });
    atoms.set(conversation, found);
  }
  return found;
}

/** Adds one, or puts it in the place of the one with its key. */
export const putOutgoingAtom = atom(null, (get, set, entry: Outgoing) => {
  const entries = get(entriesAtom);
  const isKnown = entries.some((other) => other.key === entry.key);
  set(entriesAtom, isKnown ? entries.map((other) => (other.key === entry.key ? entry : other)) : [...entries, entry]);
  if (writeStored(PREFIX + entry.key, entry)) unkept.delete(entry.key);
  else unkept.add(entry.key);
});

/** Sends something: it is shown from now on, kept until the server has it, and carried by the outbox. */
export const sendAtom = atom(null, (get, set, draft: OutgoingDraft) => {
  const last = get(entriesAtom).at(-1)?.at;
  const at = Math.max(Date.now(), last === undefined ? 0 : Date.parse(last) + 1);
  const owner = get(ownerAtom) ?? "";
  const isBehind = get(outgoingAtom(draft.conversationId)).some((entry) => entry.state === "waiting");
  const state = isBehind ? "waiting" : "sending";
  set(putOutgoingAtom, { ...draft, key: newIdempotencyKey(), at: new Date(at).toISOString(), state, owner, tab: tabId() });
});

/** The fault that one meets, once it has lasted. */
export function longTrouble({ state, trouble }: Outgoing, now: number): Trouble | undefined {
  return state !== "failed" && trouble && now - trouble.since >= LONG_TROUBLE_MS ? trouble : undefined;
}

/** Counts how often its writer wanted not to wait for the next try. */
export const hurriesAtom = atom(0);

/**
 * Tries one again that was refused, or that waits: under its own key, or, when the server may have forgotten that, under
 * another.
 */
export const retryOutgoingAtom = atom(null, (get, set, key: string) => {
  const entry = get(entriesAtom).find((entry) => entry.key === key);
  if (!entry) return;
  if (entry.state !== "failed") {
    // Another window that has it may be gone, or asleep.
    if (entry.tab !== tabId()) set(putOutgoingAtom, { ...entry, tab: tabId() });
    return set(hurriesAtom, (count) => count + 1);
  }
  const { error: _, trouble: __, ...rest } = entry;
  const fresh: Outgoing = { ...rest, state: "waiting", tab: tabId() };
  if (!isStale(entry)) return set(putOutgoingAtom, fresh);
  set(dropOutgoingAtom, key);
  set(putOutgoingAtom, { ...fresh, key: newIdempotencyKey(), at: new Date().toISOString() });
});

/** Whether the server may have forgotten its key, so that sending it once more might send it twice. */
export function isStale(entry: Outgoing): boolean {
  return isKeyStale(Date.parse(entry.at));
}

/** The same of a key by itself, made at a time in milliseconds. */
export function isKeyStale(madeAt: number): boolean {
  return Date.now() - madeAt > KEY_LIFE_MS;
}

/** Takes one away: the server has it, or its writer wants it back. */
export const dropOutgoingAtom = atom(null, (get, set, key: string) => {
  set(entriesAtom, get(entriesAtom).filter((entry) => entry.key !== key));
  forget(key);
});

/**
 * From now on they are this person's; what another user left here goes. Nobody's turn, such as a session that ended, only
 * parks them, and so does another workspace of the same person; nor does the operator of `dev` take a user's away.
 */
export const claimOutgoingAtom = atom(null, (get, set, owner: string) => {
  for (const entry of isUser(owner) ? get(entriesAtom) : []) {
    if (!isOfPerson(entry, owner)) forget(entry.key);
  }
  set(ownerAtom, owner === "nobody" ? undefined : owner);
  set(entriesAtom, readAnew);
});

/** What is not sent of somebody's, whoever's turn it is: where they act, and elsewhere. */
export const unsentAtom = atom((get) => {
  const entries = get(entriesAtom);
  return (owner: string) => {
    const all = entries.filter((entry) => isOfPerson(entry, owner));
    return { all, elsewhere: all.filter((entry) => entry.owner !== owner) };
  };
});

/** Takes all of somebody's away: they leave, and know of it. */
export const dropAllOutgoingAtom = atom(null, (get, set, owner: string) => {
  for (const { key } of get(unsentAtom)(owner).all) set(dropOutgoingAtom, key);
});

function isOfPerson(entry: Outgoing, owner: string): boolean {
  return personOf(entry.owner) === personOf(owner);
}

/** One became a message: those written after it are newer than that. */
export const settleOutgoingAtom = atom(null, (get, set, { key, message }: { key: string; message: Pick<Message, "id" | "conversation_id"> }) => {
  const conversation = get(entriesAtom).find((entry) => entry.key === key)?.conversationId;
  set(dropOutgoingAtom, key);
  for (const entry of get(entriesAtom)) {
    if (entry.conversationId === conversation && entry.after < message.id) set(putOutgoingAtom, { ...entry, after: message.id });
  }
});

/**
 * The rows that a thread shows under its messages. The answer to one may be lost while its message arrives by another way:
 * it is not shown twice until the answer is had.
 */
export function shownOutgoing(rows: readonly Outgoing[], messages: readonly Message[]): readonly Outgoing[] {
  if (rows.length === 0) return rows;
  const taken = new Set<number>();
  return rows.filter((row) => {
    const own = messages.find((message) => !taken.has(message.id) && message.id > row.after && isOf(message, row));
    if (own) taken.add(own.id);
    return !own;
  });
}

function isOf(message: Message, row: Outgoing): boolean {
  return (
    row.state !== "failed" &&
    message.direction === "outbound" &&
    message.body === row.body &&
    message.attachments.length === row.attachments.length &&
    message.attachments.every((attachment, index) => attachment === row.attachments[index])
  );
}

let ownTab: string | undefined;

/** This window, by a name that outlives its being loaded anew. */
export function tabId(): string {
  if (ownTab !== undefined) return ownTab;
  ownTab = newIdempotencyKey();
  try {
    ownTab = sessionStorage.getItem("switchboard.tab") ?? ownTab;
    sessionStorage.setItem("switchboard.tab", ownTab);
  } catch {
    // Forbidden: a window that is loaded anew is another one.
  }
  return ownTab;
}

function readAll(): readonly Outgoing[] {
  return storedKeys(PREFIX)
    .map((key) => asOutgoing(readStored(key)))
    .filter((entry) => entry !== undefined)
    .toSorted(byTime);
}

/** What the storage says now, and what it did not take. */
function readAnew(before: readonly Outgoing[]): readonly Outgoing[] {
  const own = before.filter((entry) => unkept.has(entry.key));
  if (own.length === 0) return readAll();
  return [...readAll().filter((entry) => !unkept.has(entry.key)), ...own].toSorted(byTime);
}

function byTime(one: Outgoing, other: Outgoing): number {
  return one.at < other.at ? -1 : one.at > other.at ? 1 : 0;
}

function forget(key: string): void {
  writeStored(PREFIX + key, undefined);
  unkept.delete(key);
}

/** What this app wrote there itself; another version's is left alone. */
function asOutgoing(kept: unknown): Outgoing | undefined {
  if (typeof kept !== "object" || kept === null) return undefined;
  const has = (name: string, type: string) => name in kept && typeof Reflect.get(kept, name) === type;
  const isWhole =
    ["key", "type", "body", "at", "state", "owner", "tab"].every((name) => has(name, "string")) &&
    ["conversationId", "after"].every((name) => has(name, "number")) &&
    has("request", "object") &&
    Array.isArray(Reflect.get(kept, "attachments"));
  return isWhole ? (kept as Outgoing) : undefined;
}
