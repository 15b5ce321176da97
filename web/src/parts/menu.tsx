/** A menu of things to do, behind a button. */
import { Menu as Base } from "@base-ui/react/menu";
import { Check, type LucideIcon } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { classes } from "./classes";

const ITEM =
  "flex min-h-10 w-full cursor-default items-center gap-2.5 rounded-md px-2.5 text-start outline-none select-none sm:min-h-8 " +
  "data-highlighted:bg-hover data-disabled:opacity-50";

export interface MenuProps {
  /** The button, as an element: `<IconButton .. />`. */
  trigger: ReactElement;
  side?: "top" | "bottom" | "left" | "right";
  align?: "start" | "end" | "center";
  children: ReactNode;
}

export function Menu({ trigger, side = "bottom", align = "end", children }: MenuProps) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner side={side} align={align} sideOffset={6} collisionPadding={8} className="z-50 outline-none">
          <Base.Popup className="max-h-[min(26rem,var(--available-height))] min-w-48 overflow-y-auto rounded-lg border bg-raised p-1 text-ink shadow-floating outline-none">
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

export interface MenuItemProps {
  icon?: LucideIcon;
  tone?: "plain" | "danger";
  isDisabled?: boolean;
  onSelect: () => void;
  children: ReactNode;
}

export function MenuItem({ icon: Icon, tone = "plain", isDisabled = false, onSelect, children }: MenuItemProps) {
  return (
    <Base.Item disabled={isDisabled} onClick={onSelect} className={classes(ITEM, tone === "danger" && "text-danger")}>
      {Icon && <Icon aria-hidden="true" className="size-4 shrink-0 opacity-75" />}
      <span className="min-w-0 flex-1 truncate">{children}</span>
    </Base.Item>
  );
}

/** One of several, of which one holds. */
export function MenuChoices<T extends string>({ label, value, options, onChange }: { label: string; value: T; options: readonly { value: T; label: string }[]; onChange: (value: T) => void }) {
  return (
    <Base.Group>
      <Base.GroupLabel className="px-2.5 pt-1.5 pb-1 text-xs font-medium text-ink-muted">{label}</Base.GroupLabel>
      <Base.RadioGroup
        value={value}
        onValueChange={(chosen: unknown) => {
          const option = options.find((option) => option.value === chosen);
          if (option) onChange(option.value);
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

export function MenuLabel({ children }: { children: ReactNode }) {
  return <div className="px-2.5 pt-1.5 pb-1 text-xs text-ink-muted">{children}</div>;
}

export function MenuSeparator() {
  return <Base.Separator className="-mx-1 my-1 h-px bg-line" />;
}
