/** The product's mark and name. */
import { classes } from "./classes";

export function Logo({ isMarkOnly = false, className }: { isMarkOnly?: boolean; className?: string }) {
  return (
    <span className={classes("inline-flex items-center gap-2.5", className)}>
      <img src="/icon.svg" alt={isMarkOnly ? "Switchboard" : ""} width={32} height={32} className="size-8" />
      {!isMarkOnly && <span className="text-lg font-semibold tracking-tight">Switchboard</span>}
    </span>
  );
}
