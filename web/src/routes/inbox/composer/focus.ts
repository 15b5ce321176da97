/** Where the composer's text is, for the key that goes there. */
export const COMPOSER_TEXT = "composer-text";

export function focusComposer(): void {
  document.getElementById(COMPOSER_TEXT)?.focus();
}
