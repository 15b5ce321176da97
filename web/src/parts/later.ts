/** Code that no page needs to be shown, but soon after: it is fetched once the browser has nothing else to do. */
import { lazyWithRetry } from "./lazy-with-retry";

const fetchMenu = () => import("./menu-popup");

export const DialogPopup = lazyWithRetry(async () => (await import("./dialog-popup")).DialogPopup);
export const MenuPopup = lazyWithRetry(async () => (await fetchMenu()).MenuPopup);
export const MenuItem = lazyWithRetry(async () => (await fetchMenu()).MenuItem);
export const MenuSeparator = lazyWithRetry(async () => (await fetchMenu()).MenuSeparator);
export const LazyChoices = lazyWithRetry(async () => (await fetchMenu()).MenuChoices);
export const OpenPicker = lazyWithRetry(async () => (await import("./picker-popup")).OpenPicker);
export const PopoverPopup = lazyWithRetry(async () => (await import("./popover-popup")).PopoverPopup);
export const ToastLayer = lazyWithRetry(async () => (await import("./toast-layer")).ToastLayer);
/** Large, and for few: it is not fetched before it is wanted. */
export const EmojiPanel = lazyWithRetry(async () => (await import("./emoji-panel")).EmojiPanel);

const SOON = [DialogPopup, MenuPopup, MenuItem, MenuSeparator, LazyChoices, OpenPicker, PopoverPopup, ToastLayer];

function fetchAll(): void {
  for (const part of SOON) void part.prefetch();
}

/** Fetches all of it, so that a menu opens though the server went away meanwhile. */
export function fetchLater(): void {
  // Safari has no idle callbacks.
  if (typeof requestIdleCallback === "function") requestIdleCallback(fetchAll, { timeout: 5000 });
  else setTimeout(fetchAll, 1500);
}
