/** Buttons: with words, or with an icon and a name for those who do not see it. */
import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, Ref } from "react";
import { classes } from "./classes";
import { Spinner } from "./spinner";
import { Tooltip } from "./tooltip";

export type ButtonTone = "accent" | "plain" | "quiet" | "danger";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `plain` unless said. */
  tone?: ButtonTone;
  size?: "small" | "medium";
  icon?: LucideIcon;
  /** At work: keeps its width, is announced as busy and takes no second click, but keeps the focus. */
  isBusy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

const TONES: Record<ButtonTone, string> = {
  accent: "bg-accent text-on-accent hover:not-aria-disabled:bg-accent-strong",
  plain: "border border-line-strong bg-surface text-ink hover:not-aria-disabled:bg-hover",
  quiet: "text-ink hover:not-aria-disabled:bg-hover",
  danger: "bg-danger text-on-danger hover:not-aria-disabled:bg-danger-strong",
};

const BASE =
  "relative inline-flex shrink-0 items-center justify-center gap-2 rounded-md font-medium whitespace-nowrap transition-colors select-none aria-disabled:opacity-55 aria-disabled:cursor-not-allowed";

export function Button({ tone = "plain", size = "medium", icon: Icon, isBusy = false, disabled, children, className, onClick, type = "button", ...rest }: ButtonProps) {
  const isOff = disabled === true || isBusy;
  return (
    <button
      {...rest}
      type={type}
      aria-disabled={isOff || undefined}
      aria-busy={isBusy || undefined}
      onClick={isOff ? (event) => event.preventDefault() : onClick}
      className={classes(
        BASE,
        TONES[tone],
        size === "small" ? "min-h-10 px-2.5 text-[0.8125rem] sm:min-h-7" : "min-h-10 px-3.5 sm:min-h-9",
        className,
      )}
    >
      <span className={classes("inline-flex items-center gap-2", isBusy && "invisible")}>
        {Icon && <Icon aria-hidden="true" className="size-4 shrink-0" />}
        {children}
      </span>
      {isBusy && (
        <span className="absolute inset-0 grid place-items-center">
          <Spinner />
        </span>
      )}
    </button>
  );
}

export interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children" | "aria-label"> {
  icon: LucideIcon;
  /** Its name, also shown as its tooltip. */
  label: string;
  tone?: "quiet" | "accent" | "danger";
  isBusy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function IconButton({ icon: Icon, label, tone = "quiet", isBusy = false, disabled, className, onClick, type = "button", ...rest }: IconButtonProps) {
  const isOff = disabled === true || isBusy;
  return (
    <Tooltip text={label}>
      <button
        {...rest}
        type={type}
        aria-label={label}
        aria-disabled={isOff || undefined}
        aria-busy={isBusy || undefined}
        onClick={isOff ? (event) => event.preventDefault() : onClick}
        className={classes(
          BASE,
          tone === "accent" ? TONES.accent : "hover:not-aria-disabled:bg-hover",
          tone === "quiet" && "text-ink-muted hover:not-aria-disabled:text-ink aria-pressed:bg-accent-soft aria-pressed:text-accent aria-expanded:bg-hover",
          tone === "danger" && "text-danger",
          "size-10 sm:size-9",
          className,
        )}
      >
        {isBusy ? <Spinner /> : <Icon aria-hidden="true" className="size-[1.125rem]" />}
      </button>
    </Tooltip>
  );
}
