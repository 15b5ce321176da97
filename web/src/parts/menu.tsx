/** A menu of things to do, behind a button. The code of its popup is fetched when the button is pointed at, has the focus, or is pressed. */
import type { LucideIcon } from "lucide-react";
import { cloneElement, type KeyboardEvent, type MouseEvent, type ReactElement, type ReactNode, type Ref, Suspense, useRef, useState } from "react";
import { LazyChoices, MenuPopup } from "./later";
import { unopened } from "./toasts";

export { MenuItem, MenuSeparator } from "./later";

export type MenuSide = "top" | "bottom" | "left" | "right";
export type MenuAlign = "start" | "end" | "center";

const prefetch = () => void MenuPopup.prefetch();

interface TriggerProps {
  ref?: Ref<HTMLButtonElement>;
  onClick?: (event: MouseEvent<HTMLButtonElement>) => void;
  onKeyDown?: (event: KeyboardEvent<HTMLButtonElement>) => void;
  onPointerEnter?: () => void;
  onFocus?: () => void;
  "aria-haspopup"?: "menu";
  "aria-expanded"?: boolean;
}

export interface MenuProps {
  /** The button, as an element: `<IconButton .. />`. */
  trigger: ReactElement<TriggerProps>;
  side?: MenuSide;
  align?: MenuAlign;
  children: ReactNode;
}

export function Menu({ trigger, side = "bottom", align = "end", children }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const [isWanted, setWanted] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const open = () => {
    setWanted(true);
    setOpen(true);
  };
  const giveUp = unopened(() => {
    setWanted(false);
    setOpen(false);
  });
  return (
    <>
      {cloneElement(trigger, {
        ref: button,
        "aria-haspopup": "menu",
        "aria-expanded": isOpen,
        onPointerEnter: prefetch,
        onFocus: prefetch,
        onClick: (event) => {
          trigger.props.onClick?.(event);
          if (isOpen) setOpen(false);
          else open();
        },
        onKeyDown: (event) => {
          trigger.props.onKeyDown?.(event);
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          open();
        },
      })}
      {isWanted && (
        <Suspense fallback={null}>
          <MenuPopup anchor={button} side={side} align={align} isOpen={isOpen} onClose={() => setOpen(false)} onFailure={giveUp}>
            {children}
          </MenuPopup>
        </Suspense>
      )}
    </>
  );
}

export interface MenuItemProps {
  icon?: LucideIcon;
  tone?: "plain" | "danger";
  isDisabled?: boolean;
  onSelect: () => void;
  children: ReactNode;
}

export interface MenuChoicesProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
}

/** One of several, of which one holds. */
export function MenuChoices<T extends string>({ label, value, options, onChange }: MenuChoicesProps<T>) {
  return (
    <LazyChoices
      label={label}
      value={value}
      options={options}
      onChange={(chosen) => {
        const option = options.find((option) => option.value === chosen);
        if (option) onChange(option.value);
      }}
    />
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <div className="px-2.5 pt-1.5 pb-1 text-xs text-ink-muted">{children}</div>;
}
