/** By which channel, from whom and to whom it goes: to be chosen where there are several ways. */
import { ChevronDown, Mail, MessageSquareText } from "lucide-react";
import { formatAddress } from "../names";
import type { Way } from "./ways";

export interface WaySelectProps {
  ways: readonly Way[];
  /** Absent: it is to be chosen. */
  way: Way | undefined;
  onChange: (id: string) => void;
}

export function WaySelect({ ways, way, onChange }: WaySelectProps) {
  const Icon = way?.channel === "email" ? Mail : MessageSquareText;
  if (way && ways.length < 2) {
    return (
      <p className="flex min-w-0 items-center gap-1.5 text-xs text-ink-muted">
        <Icon aria-hidden="true" className="size-3.5 shrink-0" />
        <span className="truncate">{describe(way)}</span>
      </p>
    );
  }
  return (
    <label className="relative flex min-w-0 items-center gap-1.5 rounded-md text-xs text-ink-muted focus-within:outline-2 focus-within:outline-accent hover:bg-hover hover:text-ink">
      <span className="sr-only">Send by</span>
      <Icon aria-hidden="true" className="pointer-events-none absolute start-1.5 size-3.5" />
      <select
        value={way?.id ?? ""}
        onChange={(event) => onChange(event.target.value)}
        className="min-h-10 w-full min-w-0 cursor-pointer appearance-none truncate bg-transparent ps-6.5 pe-6 outline-none sm:min-h-7"
      >
        {!way && (
          <option value="" disabled>
            Choose how to send it
          </option>
        )}
        {ways.map((way) => (
          <option key={way.id} value={way.id}>
            {describe(way)}
          </option>
        ))}
      </select>
      <ChevronDown aria-hidden="true" className="pointer-events-none absolute end-1.5 size-3.5" />
    </label>
  );
}

export function describe(way: Pick<Way, "channel" | "from" | "to" | "cc">): string {
  const name = way.channel === "email" ? "Email" : "Text";
  const to = [...way.to, ...way.cc].map(formatAddress);
  const shown = to.length > 3 ? `${to.slice(0, 2).join(", ")} and ${to.length - 2} more` : to.join(", ");
  return `${name} from ${formatAddress(way.from)} to ${shown}`;
}
