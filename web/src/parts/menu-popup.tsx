/** What a menu shows once it is open; `menu` fetches it when it is wanted first. */
import { Menu as Base } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import type { ReactNode, RefObject } from "react";
import type { MenuAlign, MenuChoicesProps, MenuItemProps, MenuSide } from "./menu";
import { classes } from "./classes";

const ITEM =
  "flex min-h-10 w-full cursor-default items-center gap-2.5 rounded-md px-2.5 text-start outline-none select-none sm:min-h-8 " +
  "data-highlighted:bg-hover data-disabled:opacity-50";

export interface MenuPopupProps {
  /** Where it stands, and where the focus goes back to. */
  anchor: RefObject<HTMLElement | null>;
  side: MenuSide;
  align: MenuAlign;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function MenuPopup({ anchor, side, align, isOpen, onClose, children }: MenuPopupProps) {
  return (
    <Base.Root
      modal={false}
      open={isOpen}
      onOpenChange={(open, { reason, event }) => {
        // The button closes it by its own click.
        const isOwn = event.target instanceof Node && anchor.current?.contains(event.target);
        if (!open && !(isOwn && (reason === "outside-press" || reason === "focus-out"))) onClose();
      }}
    >
      <Base.Portal>
        <Base.Positioner anchor={anchor} side={side} align={align} sideOffset={6} collisionPadding={8} className="z-50 outline-none">
          <Base.Popup
            finalFocus={anchor}
            onKeyDown={(event) => {
              if (event.key !== "Tab") return;
              event.preventDefault();
              onClose();
            }}
            className="max-h-[min(26rem,var(--available-height))] min-w-48 overflow-y-auto rounded-lg border bg-raised p-1 text-ink shadow-floating outline-none"
          >
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

export function MenuItem({ icon: Icon, tone = "plain", isDisabled = false, onSelect, children }: MenuItemProps) {
  return (
    <Base.Item disabled={isDisabled} onClick={onSelect} className={classes(ITEM, tone === "danger" && "text-danger")}>
      {Icon && <Icon aria-hidden="true" className="size-4 shrink-0 opacity-75" />}
      <span className="min-w-0 flex-1 truncate">{children}</span>
    </Base.Item>
  );
}

export function MenuChoices({ label, value, options, onChange }: MenuChoicesProps<string>) {
  return (
    <Base.Group>
      <Base.GroupLabel className="px-2.5 pt-1.5 pb-1 text-xs font-medium text-ink-muted">{label}</Base.GroupLabel>
      <Base.RadioGroup
        value={value}
        onValueChange={(chosen: unknown) => {
          if (typeof chosen === "string") onChange(chosen);
        }}
      >
        {options.map((option) => (
          <Base.RadioItem key={option.value} value={option.value} className={ITEM}>
            <span className="min-w-0 flex-1 truncate">{option.label}</span>
            <Base.RadioItemIndicator>
              <Check aria-hidden="true" className="size-4 text-accent" />
            </Base.RadioItemIndicator>
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  );
}

export function MenuSeparator() {
  return <Base.Separator className="-mx-1 my-1 h-px bg-line" />;
}
