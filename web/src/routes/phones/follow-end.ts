/** Keeps a list at its end as it grows, unless its reader went up. */
import { type RefObject, useLayoutEffect, useRef } from "react";

const NEAR_PX = 48;

export function useFollowEnd<E extends HTMLElement>(): { ref: RefObject<E | null>; onScroll: () => void } {
  const ref = useRef<E>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const list = ref.current;
    if (list && isAtEnd.current) list.scrollTop = list.scrollHeight;
  });
  const onScroll = () => {
    const list = ref.current;
    if (list) isAtEnd.current = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PX;
  };
  return { ref, onScroll };
}
