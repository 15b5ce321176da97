/** Where a conversation stands with the team: open, asleep until a time, or closed. */
import { AlarmClock, AlarmClockOff, CircleCheck, RotateCcw } from "lucide-react";
import { useState } from "react";
import type { Conversation } from "../../../api/conversations";
import { Button, IconButton } from "../../../parts/button";
import { toast, toastFailure } from "../../../parts/toasts";
import { formatMoment, WhenDialog } from "../../../parts/when";
import { useChange } from "./changes";

/** The server's limit. */
const MOST_DAYS = 365;

export function Standing({ conversation }: { conversation: Conversation }) {
  const { state } = conversation;
  const change = useChange(conversation.id);
  const [isSnoozing, setSnoozing] = useState(false);

  const open = () => change.mutate({ state: "open" }, { onError: (error) => toastFailure("It was not opened", error) });
  const close = () =>
    change.mutate(
      { state: "closed" },
      { onSuccess: () => toast("The conversation is closed", { label: "Open again", onSelect: open }), onError: (error) => toastFailure("It was not closed", error) },
    );
  const snooze = (at: Date) =>
    change.mutate(
      { state: "snoozed", snoozed_until: at.toISOString() },
      {
        onSuccess: () => {
          setSnoozing(false);
          toast(`Asleep until ${formatMoment(at)}`, { label: "Wake it", onSelect: open });
        },
        onError: (error) => toastFailure("It was not snoozed", error),
      },
    );

  return (
    <>
      {state === "snoozed" ? (
        <IconButton icon={AlarmClockOff} label="Wake it now" isBusy={change.isPending} onClick={open} />
      ) : (
        <IconButton icon={AlarmClock} label="Snooze" onClick={() => setSnoozing(true)} />
      )}
      {state === "closed" ? (
        <Button size="small" icon={RotateCcw} isBusy={change.isPending} onClick={open} aria-label="Open again">
          <span className="@max-md:hidden">Open again</span>
        </Button>
      ) : (
        <Button size="small" icon={CircleCheck} isBusy={change.isPending && !isSnoozing} onClick={close} aria-label="Close">
          <span className="@max-md:hidden">Close</span>
        </Button>
      )}
      <WhenDialog
        title="Snooze until"
        description="It comes back to the open ones then, or as soon as something comes in."
        action="Snooze"
        maxDays={MOST_DAYS}
        isOpen={isSnoozing}
        isBusy={change.isPending}
        onChoose={snooze}
        onClose={() => setSnoozing(false)}
      />
    </>
  );
}
