/** A hint for the pointer and the keyboard. What it says must be the thing's accessible name too. */
import { Tooltip as Base } from "@base-ui/react/tooltip";
import type { ReactElement } from "react";

export function Tooltip({ text, side = "bottom", children }: { text: string; side?: "top" | "bottom" | "left" | "right"; children: ReactElement }) {
  return (
    <Base.Root>
      <Base.Trigger render={children} />
      <Base.Portal>
        <Base.Positioner side={side} sideOffset={6} collisionPadding={8} className="z-50">
          <Base.Popup className="max-w-64 rounded-md bg-ink px-2 py-1 text-xs text-canvas shadow-floating">{text}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
