/** The way to the newest message, and how many came in while the reader was elsewhere. */
import { ArrowDown } from "lucide-react";
import { useState } from "react";
import type { Message } from "../../../api/thread";
import { countNewer, newestOf, type ThreadPages } from "./rows";

export function ToTheEnd({ thread, isAtEnd, onGo }: { thread: ThreadPages | undefined; isAtEnd: boolean; onGo: () => void }) {
  const newest = newestOf(thread);
  const [seen, setSeen] = useState<Message | undefined>(newest);
  if (isAtEnd && seen?.id !== newest?.id) setSeen(newest);
  if (isAtEnd) return null;
  const arrived = seen ? countNewer(thread, seen) : 0;
  return (
    <div className="pointer-events-none absolute inset-x-0 bottom-3 flex justify-center">
      <button
        type="button"
        onClick={onGo}
        className="pointer-events-auto inline-flex min-h-10 animate-appear items-center gap-1.5 rounded-full border bg-raised px-3.5 text-[0.8125rem] font-medium shadow-floating hover:bg-hover sm:min-h-8"
      >
        <ArrowDown aria-hidden="true" className="size-4" />
        {arrived === 0 ? "To the newest" : arrived === 1 ? "1 new message" : `${arrived} new messages`}
      </button>
    </div>
  );
}
