/** What went wrong with a message, or what it waits for, in a sentence, with what can be done about it. */
import { CalendarClock, CircleAlert, Hourglass } from "lucide-react";
import { useEffect, useState } from "react";
import { announce } from "../../../parts/announce";
import { useNow } from "../../../parts/clock";
import type { Message } from "../../../api/thread";
import { Button } from "../../../parts/button";
import { classes } from "../../../parts/classes";
import { explainReason, isCancelable, isReplayable, meaningOf } from "../../../parts/status";
import { Time } from "../../../parts/time";
import { type MessageActs, useAct } from "./acts";
import { SendAgain } from "./confirm";

export interface TroubleProps {
  message: Message;
  acts: MessageActs;
  mayHandle: boolean;
  onDetails: () => void;
}

/** A message is queued for a moment each time; only a wait that lasts is worth a word. */
const MOMENT_MS = 20_000;

export function Trouble(props: TroubleProps) {
  const { message } = props;
  const now = useNow();
  const { tone } = meaningOf(message.status);
  const isTrouble = tone === "danger" || tone === "warn";
  const isWaiting = isCancelable(message.status) && (message.status === "scheduled" || now - Date.parse(message.created_at) > MOMENT_MS);
  if (message.deleted_at || !(isTrouble || isWaiting)) return null;
  return <Explained {...props} isTrouble={isTrouble} />;
}

function Explained({ message, acts, mayHandle, onDetails, isTrouble }: TroubleProps & { isTrouble: boolean }) {
  const [isAsked, setAsked] = useState(false);
  const { run, isBusy, reason: refusal } = useAct();
  useEffect(() => {
    if (refusal) announce(refusal);
  }, [refusal]);
  const { status, status_reason: reason } = message;
  const meaning = meaningOf(status);
  const Icon = isTrouble ? CircleAlert : status === "scheduled" ? CalendarClock : Hourglass;
  return (
    <div
      className={classes(
        "mt-1 flex max-w-prose flex-col gap-1.5 rounded-lg px-3 py-2 text-[0.8125rem]",
        meaning.tone === "danger" ? "bg-danger-soft" : meaning.tone === "warn" ? "bg-warn-soft" : "bg-sunken",
      )}
    >
      <p className="flex items-start gap-2">
        <Icon aria-hidden="true" className={classes("mt-0.5 size-4 shrink-0", meaning.tone === "danger" ? "text-danger" : meaning.tone === "warn" ? "text-warn" : "text-ink-muted")} />
        <span className="min-w-0 break-words">
          {status === "scheduled" && message.scheduled_at ? (
            <>
              It is sent <Time at={message.scheduled_at} form="short" className="font-medium" />.
            </>
          ) : (
            <>
              <span className="font-medium">{meaning.label}.</span> {meaning.sentence}
            </>
          )}
          {reason && <> {explainReason(reason)}</>}
          {status === "queued" && message.next_attempt_at && (
            <>
              {" "}
              The next try is <Time at={message.next_attempt_at} form="relative" />.
            </>
          )}
          {mayHandle && meaning.advice && isTrouble && <> {meaning.advice}</>}
        </span>
      </p>
      <div className="flex flex-wrap gap-1 ps-6">
        {mayHandle && message.type !== "chat" && isReplayable(status) && (
          <Button size="small" isBusy={isBusy} onClick={() => (status === "unknown" ? setAsked(true) : void run(() => acts.replay(message)))}>
            Send again
          </Button>
        )}
        {mayHandle && message.type !== "chat" && isCancelable(status) && (
          <Button size="small" isBusy={isBusy} onClick={() => void run(() => acts.cancel(message))}>
            Cancel
          </Button>
        )}
        <Button size="small" tone="quiet" onClick={onDetails}>
          What happened
        </Button>
      </div>
      {refusal && <p className="ps-6 text-danger">{refusal}</p>}
      {isAsked && <SendAgain message={message} acts={acts} onClose={() => setAsked(false)} />}
    </div>
  );
}
