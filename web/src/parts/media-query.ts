/** Whether the window is as a media query says, kept up to date. */
import { useCallback, useSyncExternalStore } from "react";

/** Where a third column fits beside the list and the thread. */
export const WIDE = "(min-width: 72rem)";

export function useMediaQuery(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const list = matchMedia(query);
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}
