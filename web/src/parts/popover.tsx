/** Something behind a button that is more than a list of things to do: it keeps the focus, and closes with Escape. */
import { Popover as Base } from "@base-ui/react/popover";
import type { ReactElement, ReactNode, RefObject } from "react";
import { classes } from "./classes";

export interface PopoverProps {
  /** The button, as an element. */
  trigger: ReactElement;
  /** Its name, for those who do not see where it belongs. */
  label: string;
  side?: "top" | "bottom";
  align?: "start" | "end" | "center";
  isOpen: boolean;
  onChange: (isOpen: boolean) => void;
  /** Where the focus goes when it closes; its button unless said. */
  finalFocus?: RefObject<HTMLElement | null>;
  className?: string;
  children: ReactNode;
}

export function Popover({ trigger, label, side = "bottom", align = "end", isOpen, onChange, finalFocus, className, children }: PopoverProps) {
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => onChange(open)}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner side={side} align={align} sideOffset={6} collisionPadding={8} className="z-50 outline-none">
          <Base.Popup aria-label={label} {...(finalFocus && { finalFocus })} className={classes("rounded-lg border bg-raised text-ink shadow-floating outline-none", className)}>
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
