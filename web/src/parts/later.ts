/** Code that no page needs to be shown, but soon after: it is fetched once the browser has nothing else to do. */

export const fetchDialog = () => import("./dialog-popup");
export const fetchMenu = () => import("./menu-popup");
export const fetchPicker = () => import("./picker-popup");
export const fetchPopover = () => import("./popover-popup");
export const fetchToasts = () => import("./toast-layer");

function fetchAll(): void {
  void Promise.allSettled([fetchDialog(), fetchMenu(), fetchPicker(), fetchPopover(), fetchToasts()]);
}

/** Fetches all of it, so that a menu opens though the server went away meanwhile. */
export function fetchLater(): void {
  // Safari has no idle callbacks.
  if (typeof requestIdleCallback === "function") requestIdleCallback(fetchAll, { timeout: 5000 });
  else setTimeout(fetchAll, 1500);
}
