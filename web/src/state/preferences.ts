/** What people prefer in this browser. */
import { storedAtom } from "./stored";

/** Whether Enter sends, and Shift-Enter makes a line; else Enter makes a line, and Ctrl- or Cmd-Enter sends. */
export const doesEnterSendAtom = storedAtom<boolean>("enter-sends", (kept) => kept !== false);

/** Whether a letter by itself does something, wherever the focus is: who speaks to the computer may not want it (WCAG 2.1.4). */
export const areKeysOnAtom = storedAtom<boolean>("single-keys", (kept) => kept !== false);
