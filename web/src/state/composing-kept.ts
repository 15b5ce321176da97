/** What is composed besides the text, as this browser keeps it over a reload: all but files that the server does not have. */
import { newIdempotencyKey } from "../api/client";
import type { Composing, Upload } from "./composing";
import { dropOldest } from "./drafts";
import { tabId } from "./outgoing";
import { readStored, writeStored } from "./stored";

/** With the drafts it is forgotten: see `forgetDrafts`. */
const PREFIX = "draft-composing.";

interface KeptFile {
  url: string;
  name: string;
  sizeBytes: number;
  mediaType: string;
}

/** A file that the server did not have yet. */
interface Lost {
  name: string;
  /** The window that has it; an older version did not say. */
  tab?: string | undefined;
}

const TEXTS = ["note", "way", "subject", "scheduledAt", "speaker"] as const;

interface Kept extends Partial<Record<(typeof TEXTS)[number], string | undefined>> {
  mode?: "note" | undefined;
  files: readonly KeptFile[];
  lost: readonly Lost[];
}

export function readComposing(conversation: number, empty: Composing): Composing {
  const { files, lost, ...rest } = readKept(conversation);
  const own = lost.filter(({ tab }) => isOwn(tab));
  return { ...empty, ...rest, files: files.map(asUpload), lost: own.map(({ name }) => name) };
}

/** The names of files that went with another window. What one that is still there has, it may yet upload. */
export async function lostElsewhere(conversation: number): Promise<string[]> {
  const others = readKept(conversation).lost.filter(({ tab }) => !isOwn(tab));
  if (others.length === 0) return [];
  const held = (await windows()?.query())?.held ?? [];
  return others.filter(({ tab }) => !held.some(({ name }) => name === lockOf(tab))).map(({ name }) => name);
}

let isHeld = false;

/** From now on other windows can see that this one is there, for as long as it is. */
export function holdWindow(): void {
  if (isHeld) return;
  isHeld = true;
  // A window that was doubled has the same name.
  void windows()?.request(lockOf(tabId()), { mode: "shared" }, () => new Promise(() => {}));
}

/** Not there where the page came over a line that is not safe: every other window counts as gone. */
function windows(): LockManager | undefined {
  return "locks" in navigator ? navigator.locks : undefined;
}

function lockOf(tab: string | undefined): string {
  return `switchboard.window.${tab}`;
}

/** Writes down what changed, and leaves the rest as another window may have it. */
export function keepComposing(conversation: number, before: Composing, now: Composing): void {
  const [was, is] = [keptOf(before), keptOf(now)];
  if (JSON.stringify(was) === JSON.stringify(is)) return;
  const key = PREFIX + conversation;
  const isNew = readStored(key) === undefined;
  const stored = readKept(conversation);
  const urls = new Set([...was.files, ...is.files].map(({ url }) => url));
  const files = stored.files.filter(({ url }) => !urls.has(url));
  const taken = new Set([...before.lost, ...now.lost]);
  const lost = stored.lost.filter(({ name, tab }) => !isOwn(tab) && !taken.has(name));
  const kept = { ...stored, ...changes(was, is), files: [...files, ...is.files], lost: [...lost, ...is.lost] };
  const isEmpty = Object.values(kept).every((value) => value === undefined || (Array.isArray(value) && value.length === 0));
  writeStored(key, isEmpty ? undefined : { ...kept, at: Date.now() });
  if (!isEmpty && isNew) dropOldest(PREFIX);
}

function changes(was: Kept, is: Kept): Partial<Kept> {
  return Object.fromEntries(Object.entries(is).filter(([name, value]) => value !== Reflect.get(was, name)));
}

function isOwn(tab: string | undefined): boolean {
  return tab === undefined || tab === tabId();
}

function readKept(conversation: number): Kept {
  const kept = readStored(PREFIX + conversation);
  if (typeof kept !== "object" || kept === null) return { files: [], lost: [] };
  const texts = TEXTS.flatMap((name) => {
    const value: unknown = Reflect.get(kept, name);
    return typeof value === "string" ? [[name, value]] : [];
  });
  return {
    ...(Reflect.get(kept, "mode") === "note" && { mode: "note" }),
    ...Object.fromEntries(texts),
    files: list(kept, "files").filter(isKeptFile),
    lost: list(kept, "lost").flatMap(asLost),
  };
}

function asLost(kept: unknown): Lost[] {
  if (typeof kept === "string") return [{ name: kept }];
  if (typeof kept !== "object" || kept === null) return [];
  const [name, tab]: unknown[] = [Reflect.get(kept, "name"), Reflect.get(kept, "tab")];
  return typeof name === "string" && typeof tab === "string" ? [{ name, tab }] : [];
}

function keptOf({ mode, note, way, subject, scheduledAt, speaker, files, lost }: Composing): Kept {
  const unsaved = files.flatMap((file) => (file.state === "done" ? [] : [file.name]));
  return {
    mode: mode === "note" ? mode : undefined,
    note: note || undefined,
    way,
    subject: subject || undefined,
    scheduledAt,
    speaker,
    files: files.flatMap((file) => (file.state === "done" ? [{ url: file.url, name: file.name, sizeBytes: file.sizeBytes, mediaType: file.mediaType }] : [])),
    lost: [...lost, ...unsaved].map((name) => ({ name, tab: tabId() })),
  };
}

function asUpload({ url, name, sizeBytes, mediaType }: KeptFile): Upload {
  return { id: newIdempotencyKey(), name, sizeBytes, stop: new AbortController(), state: "done", url, mediaType };
}

function list(kept: object, name: string): unknown[] {
  const value: unknown = Reflect.get(kept, name);
  return Array.isArray(value) ? value : [];
}

function isKeptFile(kept: unknown): kept is KeptFile {
  if (typeof kept !== "object" || kept === null) return false;
  const has = (name: keyof KeptFile, type: string) => typeof Reflect.get(kept, name) === type;
  return has("url", "string") && has("name", "string") && has("sizeBytes", "number") && has("mediaType", "string");
}
