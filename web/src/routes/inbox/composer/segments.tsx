/** What a text costs: its segments, and how much more fits into the last one. */
import { classes } from "../../../parts/classes";
import { beyondGsm, type Segments } from "../../../segments";

export function SegmentCounter({ segments, text, max }: { segments: Segments; text: string; max: number }) {
  if (text === "") return null;
  const { count, encoding, left } = segments;
  const isOver = count > max;
  const wide = encoding === "UCS-2" ? beyondGsm(text).slice(0, 8).join(" ") : "";
  return (
    <span
      title={wide ? `Unicode, because of: ${wide}` : "Plain text, 160 characters in one segment"}
      className={classes("text-xs whitespace-nowrap tabular-nums", isOver ? "font-medium text-danger" : "text-ink-muted")}
    >
      {count} {count === 1 ? "segment" : "segments"}
      {isOver ? ` of at most ${max}` : ` · ${left} left`}
      {encoding === "UCS-2" && " · Unicode"}
    </span>
  );
}
