/** The box that is written in. Enter sends and Shift-Enter makes a line, but never while an input method composes. */
import { useAtomValue } from "jotai";
import type { KeyboardEvent, Ref } from "react";
import { classes } from "../../../parts/classes";
import { areKeysOnAtom, doesEnterSendAtom } from "../../../state/preferences";
import { COMPOSER_TEXT } from "./focus";

export interface TextBoxProps {
  label: string;
  placeholder: string;
  value: string;
  describedBy?: string | undefined;
  onChange: (text: string) => void;
  onSend: () => void;
  onFiles?: ((files: readonly File[]) => void) | undefined;
  ref: Ref<HTMLTextAreaElement>;
}

export function TextBox({ label, placeholder, value, describedBy, onChange, onSend, onFiles, ref }: TextBoxProps) {
  const doesEnterSend = useAtomValue(doesEnterSendAtom);
  const areKeysOn = useAtomValue(areKeysOnAtom);

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>) {
    if (!isSending(event.nativeEvent, doesEnterSend)) return;
    event.preventDefault();
    onSend();
  }

  return (
    <textarea
      ref={ref}
      id={COMPOSER_TEXT}
      dir="auto"
      rows={1}
      aria-label={label}
      aria-describedby={describedBy}
      aria-keyshortcuts={areKeysOn ? "r" : undefined}
      enterKeyHint={doesEnterSend ? "send" : "enter"}
      placeholder={placeholder}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={onKeyDown}
      onPaste={(event) => {
        const files = [...event.clipboardData.files];
        if (files.length === 0 || !onFiles) return;
        event.preventDefault();
        onFiles(files);
      }}
      className={classes(
        "field-sizing-content block max-h-[min(18rem,40dvh)] min-h-16 w-full resize-none bg-transparent px-3 py-2 text-base leading-snug outline-none sm:text-sm",
        "placeholder:text-ink-muted",
      )}
    />
  );
}

/** A finger has no Shift: where nothing but fingers point, Enter makes a line. */
function hasKeyboard(): boolean {
  return !globalThis.matchMedia?.("(hover: none) and (pointer: coarse)").matches;
}

export function isSending(event: Pick<globalThis.KeyboardEvent, "key" | "isComposing" | "keyCode" | "shiftKey" | "altKey" | "ctrlKey" | "metaKey">, doesEnterSend: boolean): boolean {
  // Safari ends a composition before the key that ended it: only its code tells.
  if (event.key !== "Enter" || event.isComposing || event.keyCode === 229 || event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return true;
  return doesEnterSend && !event.shiftKey && hasKeyboard();
}

/** Puts words where the writer was, so that they can be undone as if they had been typed. */
export function insertAtCursor(box: HTMLTextAreaElement | null, words: string): void {
  if (!box) return;
  box.focus();
  // `execCommand` alone keeps the history of the field; where it is gone the text is set as a whole.
  if (document.execCommand?.("insertText", false, words)) return;
  box.setRangeText(words, box.selectionStart, box.selectionEnd, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}
