/** Hints for the pointer and the keyboard. What one says must be the thing's accessible name too. */
import { cloneElement, type ReactElement, useEffect, useRef } from "react";

const DELAY_MS = 450;
const GAP = 6;

/** Gives the one element in it a hint. */
export function Tooltip({ text, children }: { text: string; children: ReactElement<{ "data-tooltip"?: string }> }) {
  return cloneElement(children, { "data-tooltip": text });
}

/** Shows the hint of whatever is pointed at or has the focus: one for the whole app, above everything. */
export function TooltipLayer() {
  const layer = useRef<HTMLDivElement>(null);
  useEffect(() => (layer.current ? follow(layer.current) : undefined), []);
  return (
    <div
      ref={layer}
      popover="manual"
      aria-hidden="true"
      className="pointer-events-none fixed inset-auto m-0 max-w-64 rounded-md bg-ink px-2 py-1 text-xs text-canvas shadow-floating"
    />
  );
}

function follow(layer: HTMLElement): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown: Element | null = null;
  const hide = () => {
    clearTimeout(timer);
    shown = null;
    if (layer.matches(":popover-open")) layer.hidePopover();
  };
  const show = (target: Element) => {
    if (!target.isConnected || target.getAttribute("aria-expanded") === "true") return;
    layer.textContent = target.getAttribute("data-tooltip");
    layer.showPopover();
    place(layer, target);
  };
  const consider = (event: Event, isWanted: (target: Element) => boolean) => {
    const target = event.target instanceof Element ? event.target.closest("[data-tooltip]") : null;
    if (target === shown) return;
    hide();
    if (!target || !isWanted(target)) return;
    shown = target;
    timer = setTimeout(() => show(target), DELAY_MS);
  };
  const over = new AbortController();
  const options = { capture: true, passive: true, signal: over.signal };
  document.addEventListener("pointerover", (event) => event.pointerType === "mouse" && consider(event, () => true), options);
  document.addEventListener("focusin", (event) => consider(event, (target) => target.matches(":focus-visible")), options);
  for (const kind of ["focusout", "pointerdown", "keydown", "scroll"]) document.addEventListener(kind, hide, options);
  return () => {
    over.abort();
    hide();
  };
}

/** Below its target, or above it where there is no room; never beyond the window. */
function place(layer: HTMLElement, target: Element): void {
  const at = target.getBoundingClientRect();
  const { width, height } = layer.getBoundingClientRect();
  const left = Math.max(GAP, Math.min(at.left + (at.width - width) / 2, innerWidth - width - GAP));
  const isRoomBelow = at.bottom + GAP + height <= innerHeight;
  layer.style.left = `${left}px`;
  layer.style.top = `${isRoomBelow ? at.bottom + GAP : at.top - GAP - height}px`;
}
