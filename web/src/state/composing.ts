/** What is being composed in each conversation besides its text: files, subject, time, way, and the internal note. */
import { atom, type SetStateAction, type WritableAtom } from "jotai";
import { newIdempotencyKey } from "../api/client";
import { explain } from "../api/problem";
import { uploadFile } from "../api/upload";
import { holdWindow, keepComposing, lostElsewhere, readComposing } from "./composing-kept";
import { draftAtom } from "./drafts";
import { dropOutgoingAtom, type Outgoing } from "./outgoing";

export type Upload = {
  id: string;
  name: string;
  sizeBytes: number;
  stop: AbortController;
} & ({ state: "uploading"; share: number } | { state: "done"; url: string; mediaType: string } | { state: "failed"; error: string; file: File });

export interface Composing {
  mode: "message" | "note";
  note: string;
  /** The `id` of the way that was chosen, or shown when its text was begun; absent: as the last message went. */
  way?: string | undefined;
  subject: string;
  scheduledAt?: string | undefined;
  files: readonly Upload[];
  /** The names of files whose upload ended with the page, or with another window. */
  lost: readonly string[];
  /** As whom the operator of `dev` speaks among people. */
  speaker?: string | undefined;
}

const EMPTY: Composing = { mode: "message", note: "", subject: "", files: [], lost: [] };

type ComposingAtom = WritableAtom<Composing, [SetStateAction<Composing>], void>;

const atoms = new Map<number, ComposingAtom>();

/** The same atom each time; this browser keeps what is in it. */
export function composingAtom(conversation: number): ComposingAtom {
  let found = atoms.get(conversation);
  if (!found) {
    found = newComposingAtom(conversation);
    atoms.set(conversation, found);
  }
  return found;
}

function newComposingAtom(conversation: number): ComposingAtom {
  const inner = atom(readComposing(conversation, EMPTY));
  const own = atom(
    (get) => get(inner),
    (get, set, change: SetStateAction<Composing>) => {
      const before = get(inner);
      const now = typeof change === "function" ? change(before) : change;
      set(inner, now);
      keepComposing(conversation, before, now);
    },
  );
  own.onMount = (set) => {
    void lostElsewhere(conversation).then((names) => {
      if (names.length > 0) set((now) => ({ ...now, lost: [...new Set([...now.lost, ...names])] }));
    });
  };
  return own;
}

/** Uploads files for a conversation, wherever its writer goes meanwhile. */
export const addFilesAtom = atom(null, (_get, set, conversation: number, files: readonly File[]) => {
  const own = composingAtom(conversation);
  holdWindow();
  for (const file of files) {
    const upload: Upload = { id: newIdempotencyKey(), name: file.name || "file", sizeBytes: file.size, stop: new AbortController(), state: "uploading", share: 0 };
    const become = (next: (before: Upload) => Upload) =>
      set(own, (now) => ({ ...now, files: now.files.map((other) => (other.id === upload.id ? next(other) : other)) }));
    set(own, (now) => ({ ...now, files: [...now.files, upload], lost: now.lost.filter((name) => name !== upload.name) }));
    uploadFile(file, (share) => become((before) => ({ ...before, state: "uploading", share })), upload.stop.signal).then(
      ({ url, name, media_type }) => become(({ id, sizeBytes, stop }) => ({ id, name, sizeBytes, stop, state: "done", url, mediaType: media_type })),
      (error: unknown) => become(({ id, name, sizeBytes, stop }) => ({ id, name, sizeBytes, stop, state: "failed", error: explain(error), file })),
    );
  }
});

export const removeFileAtom = atom(null, (get, set, conversation: number, id: string) => {
  const own = composingAtom(conversation);
  const file = get(own).files.find((file) => file.id === id);
  set(own, { ...get(own), files: get(own).files.filter((other) => other.id !== id) });
  file?.stop.abort();
});

export const retryFileAtom = atom(null, (get, set, conversation: number, id: string) => {
  const file = get(composingAtom(conversation)).files.find((file) => file.id === id);
  if (file?.state !== "failed") return;
  set(removeFileAtom, conversation, id);
  set(addFilesAtom, conversation, [file.file]);
});

/** Gives its writer back what could not be sent, as it was to go, before whatever they have begun since. */
export const takeBackAtom = atom(null, (get, set, outgoing: Outgoing) => {
  const { key, conversationId, body, attachments, subject, request } = outgoing;
  const draft = draftAtom(conversationId);
  set(draft, [body, get(draft)].filter(Boolean).join("\n"));
  const own = composingAtom(conversationId);
  const files = attachments.map(
    (url): Upload => ({ id: newIdempotencyKey(), name: url, sizeBytes: 0, stop: new AbortController(), state: "done", url, mediaType: "" }),
  );
  const now = get(own);
  set(own, {
    ...now,
    mode: "message",
    way: outgoing.way ?? now.way,
    speaker: (request.route === "reply" ? request.body.sender_user_name : undefined) ?? now.speaker,
    subject: now.subject || (subject ?? ""),
    scheduledAt: now.scheduledAt ?? outgoing.scheduledAt,
    files: [...files, ...now.files],
  });
  set(dropOutgoingAtom, key);
});
