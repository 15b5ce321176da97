/** Chooses a moment to come: one of a few, or a date and a time in the reader's own zone. */
import { type ReactNode, useState } from "react";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { TextField } from "./field";

export interface Moment {
  label: string;
  at: Date;
}

/** Moments that people often mean, as seen from now. */
export function presetsAt(now: Date): Moment[] {
  const today = startOfDay(now);
  const evening = atHour(today, 18);
  const weekday = today.getDay();
  // From Monday to the next one, never today.
  const monday = addDays(today, ((8 - weekday) % 7) || 7);
  return [
    { label: "In an hour", at: new Date(now.getTime() + 3_600_000) },
    ...(evening.getTime() - now.getTime() > 2 * 3_600_000 ? [{ label: "This evening", at: evening }] : []),
    { label: "Tomorrow morning", at: atHour(addDays(today, 1), 9) },
    ...(weekday === 0 ? [] : [{ label: "Monday morning", at: atHour(monday, 9) }]),
  ];
}

function startOfDay(date: Date): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

function addDays(date: Date, days: number): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);
}

function atHour(date: Date, hour: number): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate(), hour);
}

/** Such as `Europe/Berlin`. */
export function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** `Mon, 24 Nov, 09:00`, in the reader's language and zone. */
export function formatMoment(at: Date): string {
  return at.toLocaleString(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

/** What a `datetime-local` field takes: the wall clock's time, without a zone. */
export function toLocalField(at: Date): string {
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

function whatIsWrong(at: Date, last: Date): string | undefined {
  if (Number.isNaN(at.getTime())) return "Choose a date and a time";
  if (at.getTime() <= Date.now()) return "That is over; choose a time to come";
  return at > last ? `No later than ${formatMoment(last)}` : undefined;
}

export interface WhenDialogProps {
  title: string;
  description?: ReactNode;
  /** What the button does: `Schedule`. */
  action: string;
  /** How far ahead it may lie. */
  maxDays: number;
  isOpen: boolean;
  isBusy?: boolean;
  onChoose: (at: Date) => void;
  onClose: () => void;
}

export function WhenDialog(props: WhenDialogProps) {
  return props.isOpen ? <Opened {...props} /> : <Dialog title={props.title} isOpen={false} onClose={props.onClose} />;
}

function Opened({ title, description, action, maxDays, isBusy = false, onChoose, onClose }: WhenDialogProps) {
  const [now] = useState(() => new Date());
  const [text, setText] = useState(() => toLocalField(atHour(addDays(startOfDay(now), 1), 9)));
  const [error, setError] = useState<string>();
  const last = new Date(now.getTime() + maxDays * 86_400_000);

  function choose(at: Date) {
    const wrong = whatIsWrong(at, last);
    if (wrong === undefined) onChoose(at);
    else setError(wrong);
  }

  return (
    <Dialog title={title} description={description} isOpen onClose={onClose} size="small">
      <div className="flex flex-col gap-4 pb-3">
        <ul className="flex flex-col gap-1.5">
          {presetsAt(now).map((preset) => (
            <li key={preset.label}>
              <Button className="w-full justify-start *:w-full *:justify-between" isBusy={isBusy} onClick={() => choose(preset.at)}>
                <span>{preset.label}</span>
                <span className="font-normal text-ink-muted">{formatMoment(preset.at)}</span>
              </Button>
            </li>
          ))}
        </ul>
        <form
          noValidate
          className="flex flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            choose(new Date(text));
          }}
        >
          <TextField
            type="datetime-local"
            label="Another date and time"
            hint={`In your time zone, ${zoneName()}`}
            error={error}
            min={toLocalField(now)}
            max={toLocalField(last)}
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setError(undefined);
            }}
          />
          <Button tone="accent" type="submit" isBusy={isBusy} className="self-end">
            {action}
          </Button>
        </form>
      </div>
    </Dialog>
  );
}
