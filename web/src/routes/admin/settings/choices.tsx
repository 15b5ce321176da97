/** One of a few, each with a sentence. */
import { useId } from "react";
import { FieldError } from "../../../parts/field";

export interface ChoicesProps<T extends string> {
  legend: string;
  name: string;
  options: readonly { value: T; label: string; hint: string }[];
  value: T;
  error?: string | undefined;
  onChange: (value: T) => void;
}

export function Choices<T extends string>({ legend, name, options, value, error, onChange }: ChoicesProps<T>) {
  const id = useId();
  return (
    <fieldset className="flex flex-col gap-1">
      <legend className="text-[0.8125rem] font-medium">{legend}</legend>
      {options.map((option) => (
        <div key={option.value} className="flex min-h-10 flex-col py-1">
          <label htmlFor={`${id}-${option.value}`} className="flex items-center gap-2.5">
            <input
              id={`${id}-${option.value}`}
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              aria-describedby={`${id}-${option.value}-hint`}
              onChange={() => onChange(option.value)}
              className="size-4 shrink-0"
            />
            {option.label}
          </label>
          <span id={`${id}-${option.value}-hint`} className="ps-6.5 text-xs text-ink-muted">
            {option.hint}
          </span>
        </div>
      ))}
      <FieldError message={error} />
    </fieldset>
  );
}
