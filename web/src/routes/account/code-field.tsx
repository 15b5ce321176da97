/** The six digits of a one-time code: one field, filled in by the phone, by pasting, or by hand. */
import { type Ref, useId } from "react";
import { classes } from "../../parts/classes";
import { FieldError } from "../../parts/field";

export const CODE_LENGTH = 6;

/** The code in what was typed or pasted: its digits, or nothing where it is longer than a code. */
export function readCode(text: string): string {
  // A whole text message may be pasted: the code is the one run of six digits in it.
  const alone = /(?<!\d)\d{3}[\s-]?\d{3}(?!\d)/.exec(text)?.[0] ?? text;
  return alone.replace(/\D/g, "").slice(0, CODE_LENGTH);
}

export interface CodeFieldProps {
  label: string;
  value: string;
  error?: string | undefined;
  isDisabled?: boolean;
  onChange: (code: string) => void;
  ref?: Ref<HTMLInputElement>;
}

export function CodeField({ label, value, error, isDisabled = false, onChange, ref }: CodeFieldProps) {
  const id = useId();
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="text-[0.8125rem] font-medium">
        {label}
      </label>
      {/* No `maxLength`: it would cut off a code that is pasted with a space or a dash in it. */}
      <input
        ref={ref}
        id={id}
        value={value}
        onChange={(event) => onChange(readCode(event.target.value))}
        readOnly={isDisabled}
        type="text"
        inputMode="numeric"
        autoComplete="one-time-code"
        autoCapitalize="off"
        spellCheck={false}
        dir="ltr"
        placeholder="••••••"
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? `${id}-error` : undefined}
        className={classes(
          "h-14 w-full min-w-0 rounded-lg border border-line-strong bg-surface ps-[0.4em] text-center font-mono text-2xl tracking-[0.4em] text-ink tabular-nums transition-colors",
          "focus-visible:outline-offset-0 placeholder:text-line-strong read-only:text-ink-muted aria-invalid:border-danger",
        )}
      />
      <FieldError id={`${id}-error`} message={error} />
    </div>
  );
}
