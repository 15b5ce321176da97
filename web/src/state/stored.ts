/** Atoms that this browser remembers, and that say nothing when its storage is full or forbidden. */
import { atom, type WritableAtom } from "jotai";

const PREFIX = "switchboard.";

/** The storage, where there is one. */
export function readStored(key: string): unknown {
  try {
    const text = localStorage.getItem(PREFIX + key);
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Tells whether the storage has it now. */
export function writeStored(key: string, value: unknown): boolean {
  try {
    if (value === undefined) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, JSON.stringify(value));
    return true;
  } catch {
    // Full, or forbidden: the value lives as long as the page.
    return false;
  }
}

/** An atom kept under a key. What another version of the app left there counts only if `read` knows it. */
export function storedAtom<T>(key: string, read: (kept: unknown) => T): WritableAtom<T, [T], void> {
  const inner = atom(read(readStored(key)));
  inner.onMount = (set) => {
    const follow = (event: StorageEvent) => {
      if (event.key === PREFIX + key) set(read(readStored(key)));
    };
    addEventListener("storage", follow);
    return () => removeEventListener("storage", follow);
  };
  return atom(
    (get) => get(inner),
    (_get, set, value: T) => {
      set(inner, value);
      writeStored(key, value);
    },
  );
}

/** What is kept under keys that begin so. */
export function storedKeys(prefix: string): string[] {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX + prefix))
      .map((key) => key.slice(PREFIX.length));
  } catch {
    return [];
  }
}
