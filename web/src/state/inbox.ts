/** What stands beside the thread, and which conversation the keyboard is at. */
import { atom } from "jotai";
import { storedAtom } from "./stored";

/** `contact`: who the other one is. `message`: what happened to one message. */
export type Panel = { kind: "contact" } | { kind: "message"; conversation: number; message: number };

/** Whether the contact stands beside the thread where there is room for it. */
export const isContactShownAtom = storedAtom<boolean>("contact-shown", (kept) => kept !== false);

/** What was asked for last, over what is always shown. */
export const panelAtom = atom<Panel | undefined>(undefined);

/** Shows the contact, or no longer; for the header's button. */
export const toggleContactAtom = atom(null, (get, set, isWide: boolean) => {
  const isMessage = get(panelAtom)?.kind === "message";
  if (isWide) {
    set(isContactShownAtom, isMessage || !get(isContactShownAtom));
    set(panelAtom, undefined);
  } else {
    set(panelAtom, get(panelAtom)?.kind === "contact" ? undefined : { kind: "contact" });
  }
});
