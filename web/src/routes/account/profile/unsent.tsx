/** What waits in a workspace where its writer does not act now: seen and discarded here, as no thread shows it. */
import { useSetAtom } from "jotai";
import { useState } from "react";
import { Button } from "../../../parts/button";
import { ConfirmDialog } from "../../../parts/dialog";
import { dropOutgoingAtom, type Outgoing } from "../../../state/outgoing";

export function Unsent({ entries, discard }: { entries: readonly Outgoing[]; discard: string }) {
  const drop = useSetAtom(dropOutgoingAtom);
  const [isAsking, setAsking] = useState(false);
  if (entries.length === 0) return null;
  return (
    <div className="flex basis-full flex-wrap items-start gap-x-3 gap-y-2 text-[0.8125rem]">
      <div className="min-w-0 flex-1">
        <p className="text-warn">{entries.length} not sent</p>
        <ul className="text-ink-muted">
          {entries.map(({ key, body, attachments }) => (
            <li key={key} className="truncate">
              <bdi>{body === "" ? attachments.join(", ") : body}</bdi>
            </li>
          ))}
        </ul>
      </div>
      <Button size="small" aria-label={discard} onClick={() => setAsking(true)}>
        Discard
      </Button>
      <ConfirmDialog
        title={entries.length === 1 ? "Discard 1 message?" : `Discard ${entries.length} messages?`}
        description="Only this browser has what the server did not take yet."
        action="Discard"
        isOpen={isAsking}
        onConfirm={() => {
          for (const { key } of entries) drop(key);
          setAsking(false);
        }}
        onClose={() => setAsking(false)}
      />
    </div>
  );
}
