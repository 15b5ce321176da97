/** Times, in the reader's own zone and language; the exact one is in the title. */
import { classes } from "./classes";
import { useNow } from "./clock";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const dayAndYear = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: "long", year: "numeric", month: "long", day: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const dayAndClock = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });

/**
 * `clock` 14:05 · `list` what an inbox shows: 14:05, Mon, 3 May, 3 May 2025 · `relative` 5 min ago, in 2 hr. ·
 * `exact` day and time with seconds · `short` 3 May, 14:05
 */
export type TimeForm = "clock" | "list" | "relative" | "exact" | "short";

export function Time({ at, form = "clock", className }: { at: string; form?: TimeForm; className?: string }) {
  const now = useNow();
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return <span className={className}>{at}</span>;
  return (
    <time dateTime={at} title={whole.format(time)} className={classes("whitespace-nowrap tabular-nums", className)}>
      {formatTime(time, form, now)}
    </time>
  );
}

export function formatTime(time: Date, form: TimeForm, now: number): string {
  if (form === "clock") return clock.format(time);
  if (form === "exact") return whole.format(time);
  if (form === "short") return dayAndClock.format(time);
  if (form === "relative") return formatRelative(time.getTime() - now);
  if (isSameDay(time, new Date(now))) return clock.format(time);
  const age = now - time.getTime();
  if (age > 0 && age < 6 * DAY) return weekday.format(time);
  return time.getFullYear() === new Date(now).getFullYear() ? dayOfYear.format(time) : dayAndYear.format(time);
}

/** The heading of a day in a thread: Today, Yesterday, Monday, 3 May 2027. */
export function formatDay(time: Date, now: number): string {
  if (isSameDay(time, new Date(now))) return "Today";
  if (isSameDay(time, new Date(now - DAY))) return "Yesterday";
  return longDay.format(time);
}

/** How long something took or takes: `850 ms`, `12 s`, `3 min 20 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export function isSameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString();
}

function formatRelative(distance: number): string {
  const size = Math.abs(distance);
  if (size < MINUTE) return distance > 0 ? "in a moment" : "just now";
  if (size < HOUR) return relative.format(Math.round(distance / MINUTE), "minute");
  if (size < DAY) return relative.format(Math.round(distance / HOUR), "hour");
  return relative.format(Math.round(distance / DAY), "day");
}
