/** Fields of forms: each with its label, a hint, and what is wrong with it beside it. They take `register` of react-hook-form. */
import { CircleAlert } from "lucide-react";
import { type InputHTMLAttributes, type ReactNode, type Ref, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from "react";
import { classes } from "./classes";

interface FieldProps {
  label: string;
  /** What is wanted, before anything is wrong. */
  hint?: ReactNode;
  /** What is wrong; announced. */
  error?: string | undefined;
  /** Keeps the label for those who do not see, where the place makes it plain. */
  isLabelHidden?: boolean;
}

interface FrameProps extends FieldProps {
  id: string;
  isRequired?: boolean | undefined;
  className?: string | undefined;
  children: ReactNode;
}

function Frame({ id, label, hint, error, isLabelHidden, isRequired, className, children }: FrameProps) {
  return (
    <div className={classes("flex min-w-0 flex-col gap-1", className)}>
      <label htmlFor={id} className={isLabelHidden ? "sr-only" : "text-[0.8125rem] font-medium"}>
        {label}
        {isRequired === false && <span className="font-normal text-ink-muted"> (optional)</span>}
      </label>
      {children}
      {hint !== undefined && !error && (
        <div id={`${id}-hint`} className="text-xs text-ink-muted">
          {hint}
        </div>
      )}
      <FieldError id={`${id}-error`} message={error} />
    </div>
  );
}

/** What is wrong with one field, announced when it comes up. */
export function FieldError({ id, message }: { id?: string; message: string | undefined }) {
  if (!message) return null;
  return (
    <div id={id} role="alert" className="flex items-start gap-1.5 text-[0.8125rem] text-danger">
      <CircleAlert aria-hidden="true" className="mt-0.5 size-3.5 shrink-0" />
      <span className="min-w-0 break-words">{message}</span>
    </div>
  );
}

const BOX =
  "w-full min-w-0 rounded-md border border-line-strong bg-surface px-3 text-base text-ink transition-colors sm:text-sm " +
  "focus-visible:outline-offset-0 aria-invalid:border-danger disabled:bg-sunken disabled:text-ink-muted [&[readonly]]:bg-sunken";

function described(id: string, { hint, error }: FieldProps): string | undefined {
  if (error) return `${id}-error`;
  return hint === undefined ? undefined : `${id}-hint`;
}

export interface TextFieldProps extends FieldProps, Omit<InputHTMLAttributes<HTMLInputElement>, "size"> {
  /** Something at the end of the box: a button, a unit. */
  end?: ReactNode;
  ref?: Ref<HTMLInputElement>;
}

export function TextField({ label, hint, error, isLabelHidden, end, className, id, ...rest }: TextFieldProps) {
  const own = useId();
  const key = id ?? own;
  return (
    <Frame id={key} {...{ label, hint, error, isLabelHidden, className }}>
      <div className="relative">
        <input
          dir="auto"
          {...rest}
          id={key}
          aria-invalid={error ? true : undefined}
          aria-describedby={described(key, { label, hint, error })}
          className={classes(BOX, "h-10 sm:h-9", end !== undefined && "pe-10")}
        />
        {end !== undefined && <div className="absolute inset-y-0 end-0 flex items-center pe-0.5">{end}</div>}
      </div>
    </Frame>
  );
}

export interface TextAreaProps extends FieldProps, TextareaHTMLAttributes<HTMLTextAreaElement> {
  ref?: Ref<HTMLTextAreaElement>;
}

/** It grows with its text where the browser can. */
export function TextArea({ label, hint, error, isLabelHidden, className, id, rows = 3, ...rest }: TextAreaProps) {
  const own = useId();
  const key = id ?? own;
  return (
    <Frame id={key} {...{ label, hint, error, isLabelHidden, className }}>
      <textarea
        dir="auto"
        {...rest}
        id={key}
        rows={rows}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(key, { label, hint, error })}
        className={classes(BOX, "field-sizing-content max-h-80 min-h-20 resize-y py-2")}
      />
    </Frame>
  );
}

export interface SelectProps extends FieldProps, SelectHTMLAttributes<HTMLSelectElement> {
  options: readonly { value: string; label: string; isDisabled?: boolean }[];
  ref?: Ref<HTMLSelectElement>;
}

/** The system's own list: at home on phones, with the keyboard and with screen readers. */
export function Select({ label, hint, error, isLabelHidden, options, className, id, ...rest }: SelectProps) {
  const own = useId();
  const key = id ?? own;
  return (
    <Frame id={key} {...{ label, hint, error, isLabelHidden, className }}>
      <select
        {...rest}
        id={key}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(key, { label, hint, error })}
        className={classes(BOX, "h-10 pe-2 sm:h-9")}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.isDisabled}>
            {option.label}
          </option>
        ))}
      </select>
    </Frame>
  );
}

export interface ChoiceProps extends Omit<FieldProps, "isLabelHidden">, Omit<InputHTMLAttributes<HTMLInputElement>, "type"> {
  ref?: Ref<HTMLInputElement>;
}

export function Checkbox({ label, hint, error, className, id, ...rest }: ChoiceProps) {
  const own = useId();
  const key = id ?? own;
  return (
    <div className={classes("flex min-w-0 flex-col", className)}>
      <label htmlFor={key} className="inline-flex min-h-10 items-center gap-2.5 sm:min-h-8">
        <input {...rest} id={key} type="checkbox" aria-invalid={error ? true : undefined} aria-describedby={described(key, { label, hint, error })} className="size-4 shrink-0" />
        <span>{label}</span>
      </label>
      {hint !== undefined && !error && (
        <div id={`${key}-hint`} className="ps-6.5 text-xs text-ink-muted">
          {hint}
        </div>
      )}
      <FieldError id={`${key}-error`} message={error} />
    </div>
  );
}

/** On or off, at once. */
export function Switch({ label, hint, error, className, id, ...rest }: ChoiceProps) {
  const own = useId();
  const key = id ?? own;
  return (
    <div className={classes("flex min-w-0 flex-col", className)}>
      <label htmlFor={key} className="inline-flex min-h-10 items-center justify-between gap-3 sm:min-h-8">
        <span>{label}</span>
        <input
          {...rest}
          id={key}
          type="checkbox"
          role="switch"
          aria-describedby={described(key, { label, hint, error })}
          className={
            "relative h-5 w-9 shrink-0 appearance-none rounded-full bg-line-strong transition-colors checked:bg-accent disabled:opacity-55 " +
            "before:absolute before:start-0.5 before:top-0.5 before:size-4 before:rounded-full before:bg-surface before:transition-transform " +
            "checked:before:translate-x-4 rtl:checked:before:-translate-x-4"
          }
        />
      </label>
      {hint !== undefined && !error && (
        <div id={`${key}-hint`} className="text-xs text-ink-muted">
          {hint}
        </div>
      )}
      <FieldError id={`${key}-error`} message={error} />
    </div>
  );
}
