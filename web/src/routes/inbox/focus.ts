/** Where the keyboard goes within the inbox. */

export function focusThread(): void {
  document.querySelector<HTMLElement>("[data-thread]")?.focus({ preventScroll: true });
}

const SHOWN = { visibilityProperty: true };
/** About a second of frames. */
const TRIES = 60;

/** A row of the list. It may have to be scrolled to, or be shown again, first. */
export function focusRow(conversation: number | string, tries = TRIES): void {
  const row = document.querySelector<HTMLElement>(`[data-row="${CSS.escape(String(conversation))}"]`);
  if (row?.checkVisibility(SHOWN)) row.focus({ preventScroll: true });
  else if (tries > 0) requestAnimationFrame(() => focusRow(conversation, tries - 1));
}

/** Whether nothing has the focus that is shown. */
export function isFocusLost(): boolean {
  const { activeElement } = document;
  return activeElement === null || activeElement === document.body || !activeElement.checkVisibility(SHOWN);
}

export function isEditable(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
}

/** Dialogs and menus have keys of their own. */
export function isInPopup(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("[role=dialog], [role=alertdialog], [role=menu], [role=listbox]") !== null;
}
