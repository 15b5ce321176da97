/** The keys of the inbox, wherever on the page the focus is but in a field, a dialog or a menu. */
import { useAtomValue } from "jotai";
import { useEffect, useEffectEvent } from "react";
import { areKeysOnAtom } from "../../state/preferences";
import { focusThread, isEditable, isInPopup } from "./focus";

export interface InboxActions {
  move: (step: 1 | -1) => void;
  search: () => void;
  reply: () => void;
  compose: () => void;
  help: () => void;
  back: () => void;
}

/** What there is to know of them, for the sheet of keys. */
export const KEYS: readonly { keys: readonly string[]; does: string }[] = [
  { keys: ["j"], does: "To the next conversation" },
  { keys: ["k"], does: "To the one before" },
  { keys: ["Enter"], does: "Open the conversation" },
  { keys: ["Esc"], does: "Leave the field, close the panel, then back to the list" },
  { keys: ["/"], does: "Search" },
  { keys: ["r"], does: "Reply" },
  { keys: ["c"], does: "New conversation" },
  { keys: ["?"], does: "This sheet" },
];

export function useInboxKeys(actions: InboxActions): void {
  const areKeysOn = useAtomValue(areKeysOnAtom);
  const listen = useEffectEvent((event: KeyboardEvent) => {
    const act = actionOf(event, areKeysOn);
    if (!act) return;
    event.preventDefault();
    act(actions);
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => listen(event);
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}

type Act = (actions: InboxActions) => void;

const ACTS: Record<string, Act> = {
  j: ({ move }) => move(1),
  k: ({ move }) => move(-1),
  "/": ({ search }) => search(),
  r: ({ reply }) => reply(),
  c: ({ compose }) => compose(),
  "?": ({ help }) => help(),
  Escape: ({ back }) => back(),
};

/** Escape is no character: it does its part whatever the reader prefers. */
export function actionOf(event: KeyboardEvent, areKeysOn: boolean): Act | undefined {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return undefined;
  if (isInPopup(event.target)) return undefined;
  if (isEditable(event.target)) return event.key === "Escape" ? focusThread : undefined;
  if (!areKeysOn && event.key !== "Escape") return undefined;
  return Object.hasOwn(ACTS, event.key) ? ACTS[event.key] : undefined;
}
