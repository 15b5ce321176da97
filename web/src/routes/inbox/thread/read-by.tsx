/** Who of a group has read the last thing one said. */
import type { Message } from "../../../api/thread";

const MOST_NAMES = 3;

export function ReadBy({ message, onDetails }: { message: Message; onDetails: () => void }) {
  const text = readBy(message);
  if (!text) return null;
  return (
    <button type="button" onClick={onDetails} className="mt-0.5 min-h-10 rounded-sm px-1 text-xs text-ink-muted hover:underline sm:min-h-5">
      {text}
    </button>
  );
}

function readBy({ recipients, receipts }: Pick<Message, "recipients" | "receipts">): string | undefined {
  if (receipts) return receipts.read === 0 ? undefined : `Read by ${receipts.read} of ${receipts.sent}`;
  const names = recipients.filter(({ status }) => status === "read").map(({ address }) => address);
  if (names.length === 0) return undefined;
  if (names.length === recipients.length) return "Read by everybody";
  if (names.length <= MOST_NAMES) return `Read by ${names.join(", ")}`;
  return `Read by ${names.length} of ${recipients.length}`;
}
