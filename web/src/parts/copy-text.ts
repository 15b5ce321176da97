/** Into the clipboard. */
import { toast, toastFailure } from "./toasts";

/** Copies a text, and says in a toast that it did. */
export async function copyAndTell(text: string, done: string): Promise<void> {
  try {
    await copyText(text);
    toast(done);
  } catch {
    tellNotCopied();
  }
}

export function tellNotCopied(): void {
  toastFailure("It could not be copied: select it, and copy it yourself");
}

/** The clipboard is absent where the page was not loaded safely, such as http:// from another machine: a selection does then. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "fixed opacity-0";
  const focused = document.activeElement;
  // What is outside of an open dialog or menu cannot be selected.
  (focused?.closest("[role=dialog], [role=alertdialog], [role=menu]") ?? document.body).append(box);
  box.select();
  const isDone = document.execCommand("copy");
  box.remove();
  if (focused instanceof HTMLElement) focused.focus();
  if (!isDone) throw new Error("The browser did not copy");
}
