/** Tells screen readers what comes in while the thread is open. */
import { useState } from "react";
import { isNewer, type Message } from "../../../api/thread";
import { formatAddress, snippetOf } from "../names";
import { newestOf, type ThreadPages } from "./rows";

export function Arrivals({ thread }: { thread: ThreadPages | undefined }) {
  const newest = newestOf(thread);
  const [before, setBefore] = useState<Message | undefined>(newest);
  const [said, setSaid] = useState("");
  if (newest && newest.id !== before?.id) {
    setBefore(newest);
    if (newest.direction === "inbound" && (!before || isNewer(newest, before))) {
      setSaid(`${formatAddress(newest.from)}: ${snippetOf(newest) || "an attachment"}`);
    }
  }
  return (
    <div role="log" aria-label="New messages" className="sr-only">
      {said}
    </div>
  );
}
