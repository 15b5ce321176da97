/** Where the keyboard goes within the inbox. */

export function focusThread(): void {
  document.querySelector<HTMLElement>("[data-thread]")?.focus({ preventScroll: true });
}

export function isEditable(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
}

/** Dialogs and menus have keys of their own. */
export function isInPopup(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("[role=dialog], [role=alertdialog], [role=menu], [role=listbox]") !== null;
}
