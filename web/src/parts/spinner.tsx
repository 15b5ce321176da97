/** Something is under way. Whoever shows it says what, in words or as `aria-busy`. */
import { LoaderCircle } from "lucide-react";
import { classes } from "./classes";

export function Spinner({ className }: { className?: string }) {
  return <LoaderCircle aria-hidden="true" className={classes("size-4 animate-spin", className)} />;
}
