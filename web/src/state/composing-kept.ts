/** What is composed besides the text, as this browser keeps it over a reload: all but files that the server does not have. */
import { newIdempotencyKey } from "../api/client";
import type { Composing, Upload } from "./composing";
import { dropOldest } from "./drafts";
import { readStored, writeStored } from "./stored";

/** With the drafts it is forgotten: see `forgetDrafts`. */
const PREFIX = "draft-composing.";

interface KeptFile {
  url: string;
  name: string;
  sizeBytes: number;
  mediaType: string;
}

interface Kept extends Partial<Pick<Composing, "mode" | "note" | "way" | "subject" | "scheduledAt" | "speaker">> {
  files: readonly KeptFile[];
  /** The names of those that the server did not have yet. */
  lost: readonly string[];
}

export function readComposing(conversation: number, empty: Composing): Composing {
  const kept = readStored(PREFIX + conversation);
  if (typeof kept !== "object" || kept === null) return empty;
  const text = (name: keyof Composing) => {
    const value: unknown = Reflect.get(kept, name);
    return typeof value === "string" ? value : undefined;
  };
  return {
    ...empty,
    mode: text("mode") === "note" ? "note" : "message",
    note: text("note") ?? "",
    subject: text("subject") ?? "",
    way: text("way"),
    scheduledAt: text("scheduledAt"),
    speaker: text("speaker"),
    files: list(kept, "files").filter(isKeptFile).map(asUpload),
    lost: list(kept, "lost").filter((name) => typeof name === "string"),
  };
}

/** Writes it down where what is kept changes by it. */
export function keepComposing(conversation: number, before: Composing, now: Composing): void {
  const kept = keptOf(now);
  if (JSON.stringify(kept) === JSON.stringify(keptOf(before))) return;
  const key = PREFIX + conversation;
  const isNew = readStored(key) === undefined;
  writeStored(key, kept && { ...kept, at: Date.now() });
  if (kept && isNew) dropOldest(PREFIX);
}

function keptOf({ mode, note, way, subject, scheduledAt, speaker, files, lost }: Composing): Kept | undefined {
  const kept: Kept = {
    ...(mode === "note" && { mode }),
    ...(note !== "" && { note }),
    ...(way !== undefined && { way }),
    ...(subject !== "" && { subject }),
    ...(scheduledAt !== undefined && { scheduledAt }),
    ...(speaker !== undefined && { speaker }),
    files: files.flatMap((file) => (file.state === "done" ? [{ url: file.url, name: file.name, sizeBytes: file.sizeBytes, mediaType: file.mediaType }] : [])),
    lost: [...lost, ...files.flatMap((file) => (file.state === "done" ? [] : [file.name]))],
  };
  return Object.keys(kept).length === 2 && kept.files.length === 0 && kept.lost.length === 0 ? undefined : kept;
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
