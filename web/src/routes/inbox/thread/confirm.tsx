/** What is asked before something that others notice is done with a message. */
import type { Message } from "../../../api/thread";
import { ConfirmDialog } from "../../../parts/dialog";
import { type MessageActs, useAct } from "./acts";

/** One that may have arrived is warned of. */
export function SendAgain({ message, acts, onClose }: { message: Message; acts: MessageActs; onClose: () => void }) {
  const { run, isBusy, reason } = useAct();
  const isUnknown = message.status === "unknown";
  return (
    <ConfirmDialog
      title={isUnknown ? "It may arrive twice" : "Send it again?"}
      description={
        isUnknown
          ? "The provider never said whether it took this message. If it did, whoever gets it gets it twice. A receipt may still come."
          : "The same message goes to the same address once more."
      }
      action={isUnknown ? "Send anyway" : "Send again"}
      tone={isUnknown ? "danger" : "accent"}
      isOpen
      isBusy={isBusy}
      error={reason}
      onConfirm={() => void run(() => acts.replay(message), onClose)}
      onClose={onClose}
    />
  );
}

/** Asks before what one said is taken from everybody. */
export function TakeBack({ message, acts, onClose }: { message: Message; acts: MessageActs; onClose: () => void }) {
  const { run, isBusy, reason } = useAct();
  return (
    <ConfirmDialog
      title="Take this message back?"
      description="Its text, attachments and reactions go for everybody. That there was a message stays."
      action="Take back"
      isOpen
      isBusy={isBusy}
      error={reason}
      onConfirm={() => void run(() => acts.takeBack(message), onClose)}
      onClose={onClose}
    />
  );
}
