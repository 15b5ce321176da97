/** Asks before a message is sent once more; one that may have arrived is warned of. */
import type { Message } from "../../../api/thread";
import { ConfirmDialog } from "../../../parts/dialog";
import { type MessageActs, whyNot } from "./acts";

export interface SendAgainProps {
  message: Message;
  replay: MessageActs["replay"];
  isAsked: boolean;
  onClose: () => void;
}

export function SendAgain({ message, replay, isAsked, onClose }: SendAgainProps) {
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
      isOpen={isAsked}
      isBusy={replay.isPending}
      error={whyNot(replay.error)}
      onConfirm={() => replay.mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    />
  );
}
