/** A word or a number in a pill. */
import type { ReactNode } from "react";
import { classes } from "./classes";

export type Tone = "plain" | "accent" | "ok" | "warn" | "danger";

const TONES: Record<Tone, string> = {
  plain: "bg-sunken text-ink-muted",
  accent: "bg-accent-soft text-accent",
  ok: "bg-ok-soft text-ok",
  warn: "bg-warn-soft text-warn",
  danger: "bg-danger-soft text-danger",
};

export function Badge({ tone = "plain", className, children }: { tone?: Tone; className?: string; children: ReactNode }) {
  return (
    <span className={classes("inline-flex max-w-full items-center gap-1 rounded-full px-2 py-0.5 text-xs font-medium", TONES[tone], className)}>
      {children}
    </span>
  );
}

/** How many are unread; nothing for none. */
export function Count({ value, label }: { value: number; label: string }) {
  if (value <= 0) return null;
  return (
    <span className="inline-grid h-5 min-w-5 place-items-center rounded-full bg-accent px-1.5 text-[0.6875rem] font-semibold text-on-accent tabular-nums">
      <span aria-hidden="true">{value > 99 ? "99+" : value}</span>
      <span className="sr-only">
        {value} {label}
      </span>
    </span>
  );
}
