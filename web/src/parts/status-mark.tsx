/** Where a message stands: an icon, a colour and a word, with the sentence as its title. */
import { Ban, CalendarClock, Check, CheckCheck, CircleHelp, CircleX, Clock, Inbox, LoaderCircle, type LucideIcon, MailX, TimerOff, TriangleAlert } from "lucide-react";
import type { Tone } from "./badge";
import { classes } from "./classes";
import { explainReason, meaningOf, type Status } from "./status";

const ICONS: Record<Status, LucideIcon> = {
  scheduled: CalendarClock,
  queued: Clock,
  sending: LoaderCircle,
  accepted: Check,
  sent: Check,
  delivered: CheckCheck,
  read: CheckCheck,
  undelivered: TriangleAlert,
  failed: CircleX,
  bounced: MailX,
  rejected: Ban,
  unknown: CircleHelp,
  dead: TimerOff,
  canceled: Ban,
  received: Inbox,
};

const COLOURS: Record<Tone, string> = {
  plain: "text-ink-muted",
  accent: "text-accent",
  ok: "text-ok",
  warn: "text-warn",
  danger: "text-danger",
};

export interface StatusMarkProps {
  status: Status;
  /** Why, as the server says it. */
  reason?: string | null | undefined;
  /** Whether people said it to each other. */
  isChat?: boolean;
  /** Only the icon; the word is for screen readers. */
  isIconOnly?: boolean;
  /** In the colour of what is around it, where a background of its own needs that. */
  isPlain?: boolean;
  className?: string;
}

export function StatusMark({ status, reason, isChat = false, isIconOnly = false, isPlain = false, className }: StatusMarkProps) {
  const meaning = meaningOf(status, isChat);
  const Icon = ICONS[status];
  const sentence = reason ? `${meaning.sentence} ${explainReason(reason)}` : meaning.sentence;
  return (
    <span title={sentence} data-status={status} className={classes("inline-flex items-center gap-1 text-xs whitespace-nowrap", !isPlain && COLOURS[meaning.tone], className)}>
      <Icon aria-hidden="true" className={classes("size-3.5 shrink-0", status === "sending" && "animate-spin", status === "read" && "stroke-3")} />
      <span className={isIconOnly ? "sr-only" : undefined}>{meaning.label}</span>
    </span>
  );
}
