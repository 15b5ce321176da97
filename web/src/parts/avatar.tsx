/** Somebody's first letters, in a colour that stays theirs. */
import { classes } from "./classes";

const COLOURS = [
  "bg-[light-dark(#dbe6ff,#26365c)]",
  "bg-[light-dark(#d6f0e2,#1d4030)]",
  "bg-[light-dark(#fde6cf,#4a3218)]",
  "bg-[light-dark(#f3ddf6,#42264a)]",
  "bg-[light-dark(#fbdde0,#4c252b)]",
  "bg-[light-dark(#d5eef3,#193f48)]",
];

const SIZES = { small: "size-6 text-[0.625rem]", medium: "size-9 text-xs", large: "size-14 text-lg" };

export interface AvatarProps {
  name: string;
  size?: keyof typeof SIZES;
  /** Shows a dot; leave it out where presence means nothing. */
  isOnline?: boolean | undefined;
  className?: string;
}

/** It is decoration: the name stands beside it. */
export function Avatar({ name, size = "medium", isOnline, className }: AvatarProps) {
  return (
    <span aria-hidden="true" className={classes("relative inline-grid shrink-0 place-items-center rounded-full font-semibold text-ink", SIZES[size], COLOURS[colourOf(name)], className)}>
      {initials(name)}
      {isOnline !== undefined && (
        <span className={classes("absolute -end-0.5 -bottom-0.5 size-2.5 rounded-full border-2 border-surface", isOnline ? "bg-ok" : "bg-line-strong")} />
      )}
    </span>
  );
}

/** Two letters of a name; a number's last two digits; a mark where there is nothing. */
export function initials(name: string): string {
  const trimmed = name.trim();
  if (/^\+?[\d\s().-]+$/.test(trimmed)) return trimmed.replace(/\D/g, "").slice(-2);
  const words = trimmed.split(/[\s._@-]+/).filter(Boolean);
  const letters = words.slice(0, 2).map((word) => Array.from(word)[0] ?? "");
  return letters.join("").toLocaleUpperCase() || "?";
}

function colourOf(name: string): number {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % COLOURS.length;
}
