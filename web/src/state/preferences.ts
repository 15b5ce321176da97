/** What people prefer in this browser. */
import { storedAtom } from "./stored";

/** Whether Enter sends, and Shift-Enter makes a line; else Enter makes a line, and Ctrl- or Cmd-Enter sends. */
export const doesEnterSendAtom = storedAtom<boolean>("enter-sends", (kept) => kept !== false);
