/** Short notices at the edge of the page. What must be acted on is said where it happened, not here. Their layer is fetched with the first of them. */
import { Suspense, useState, useSyncExternalStore } from "react";
import { explain } from "../api/problem";
import { Button } from "./button";
import { keyed } from "./keyed";
import { ToastLayer } from "./later";

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

/** Of this tab: what the next page says. */
const OVER_LOAD = "switchboard.notice";

/** Those that came before their layer; another list with each. */
let waiting: readonly Notice[] = takeOver();
let give: ((notice: Notice) => void) | undefined;
const listeners = new Set<() => void>();

/** Says that something was done. */
export function toast(title: string, action?: ToastAction): void {
  say({ title, action });
}

/** Says that something was done, on the page that is loaded next. */
export function toastOverLoad(title: string): void {
  try {
    sessionStorage.setItem(OVER_LOAD, title);
  } catch {
    // Forbidden: it goes unsaid.
  }
}

function takeOver(): Notice[] {
  try {
    const title = sessionStorage.getItem(OVER_LOAD);
    sessionStorage.removeItem(OVER_LOAD);
    return title === null ? [] : [{ title }];
  } catch {
    return [];
  }
}

/** Says that something failed, and why, where an error says more than that. */
export function toastFailure(title: string, error?: unknown): void {
  say({ title, isFailure: true, ...(error !== undefined && { description: explain(error) }) });
}

/** For what could not be fetched when it was to be opened: it is as if it was closed again. */
export function unopened(close: () => void): (error: unknown) => void {
  return (error) => {
    close();
    toastFailure("It could not be opened", error);
  };
}

function say(notice: Notice): void {
  if (give) give(notice);
  else become([...waiting, notice]);
}

function become(notices: readonly Notice[]): void {
  waiting = notices;
  for (const listener of listeners) listener();
}

/** Hands the notices to their layer: those that wait, and from now on each as it comes. */
export function takeNotices(take: (notice: Notice) => void): () => void {
  give = take;
  for (const notice of waiting) take(notice);
  waiting = [];
  return () => {
    give = undefined;
  };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Nothing of it is there until there is something to say. Each notice tries to fetch the layer that could not be had for the last. */
export function Toasts() {
  const notices = useSyncExternalStore(subscribe, () => waiting);
  const [isWanted, setWanted] = useState(false);
  const [failed, setFailed] = useState<readonly Notice[]>();
  if (notices.length > 0 && !isWanted) setWanted(true);
  if (!isWanted) return null;
  if (failed === notices) return <Plain notices={notices} />;
  return (
    <Suspense fallback={null}>
      <ToastLayer onFailure={() => setFailed(waiting)} />
    </Suspense>
  );
}

/** The notices without their layer. */
function Plain({ notices }: { notices: readonly Notice[] }) {
  if (notices.length === 0) return null;
  return (
    <div className="fixed inset-x-3 bottom-18 z-50 mx-auto flex max-w-sm items-start gap-2 rounded-lg border bg-raised px-3.5 py-2 text-ink shadow-floating">
      <div role="alert" className="flex min-w-0 flex-1 flex-col gap-1 break-words">
        {keyed(notices, ({ title }) => title).map(({ key, item: { title, description } }) => (
          <p key={key}>
            <span className="font-medium">{title}.</span> {description}
          </p>
        ))}
      </div>
      <Button size="small" onClick={() => become([])}>
        Dismiss
      </Button>
    </div>
  );
}
