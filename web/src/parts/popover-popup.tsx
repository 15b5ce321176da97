/** What a popover shows once it is open; `popover` fetches it when it is wanted first. */
import { Popover as Base } from "@base-ui/react/popover";
import { classes } from "./classes";
import type { PopoverProps } from "./popover";

export function PopoverPopup({ trigger, label, side = "bottom", align = "end", isOpen, onChange, finalFocus, className, children }: PopoverProps) {
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
