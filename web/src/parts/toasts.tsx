/** Short notices at the edge of the page. What must be acted on is said where it happened, not here. Their layer is fetched with the first of them. */
import { lazy, Suspense, useSyncExternalStore } from "react";
import { explain } from "../api/problem";
import { fetchToasts } from "./later";

export interface ToastAction {
  label: string;
  onSelect: () => void;
}

export interface Notice {
  title: string;
  description?: string;
  isFailure?: boolean;
  action?: ToastAction | undefined;
}

const ToastLayer = lazy(async () => ({ default: (await fetchToasts()).ToastLayer }));

/** Those that came before their layer. */
const waiting: Notice[] = [];
let isWanted = false;
let give: ((notice: Notice) => void) | undefined;
const listeners = new Set<() => void>();

/** Says that something was done. */
export function toast(title: string, action?: ToastAction): void {
  say({ title, action });
}

/** Says that something failed, and why. */
export function toastFailure(title: string, error: unknown): void {
  say({ title, description: explain(error), isFailure: true });
}

function say(notice: Notice): void {
  if (give) return give(notice);
  waiting.push(notice);
  isWanted = true;
  for (const listener of listeners) listener();
}

/** Hands the notices to their layer: those that wait, and from now on each as it comes. */
export function takeNotices(take: (notice: Notice) => void): () => void {
  give = take;
  for (const notice of waiting.splice(0)) take(notice);
  return () => {
    give = undefined;
  };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Nothing of it is there until there is something to say. */
export function Toasts() {
  const isShown = useSyncExternalStore(subscribe, () => isWanted);
  if (!isShown) return null;
  return (
    <Suspense fallback={null}>
      <ToastLayer />
    </Suspense>
  );
}
