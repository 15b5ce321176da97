/** What can be done with one message. */
import { CircleX, Copy, Ellipsis, ListTree, Pencil, RotateCw, Undo2 } from "lucide-react";
import { useState } from "react";
import type { Message } from "../../../api/thread";
import { IconButton } from "../../../parts/button";
import { useNow } from "../../../parts/clock";
import { ConfirmDialog } from "../../../parts/dialog";
import { Menu, MenuItem, MenuSeparator } from "../../../parts/menu";
import { isCancelable, isReplayable } from "../../../parts/status";
import { toast } from "../../../parts/toasts";
import { isEditable, type MessageActs, whyNot } from "./acts";
import { SendAgain } from "./send-again";

export interface MessageMenuProps {
  message: Message;
  acts: MessageActs;
  /** Whether the reader answers for it. */
  mayHandle: boolean;
  own: boolean;
  onEdit: () => void;
  onDetails: () => void;
}

export function MessageMenu({ message, acts, mayHandle, own, onEdit, onDetails }: MessageMenuProps) {
  const [asked, setAsked] = useState<"take-back" | "send-again" | undefined>();
  const now = useNow();
  const isChat = message.type === "chat";
  const isGone = Boolean(message.deleted_at);
  const text = message.new_text ?? message.text ?? message.body;

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied");
    } catch {
      toast("The browser does not allow copying here");
    }
  }

  return (
    <>
      <Menu trigger={<IconButton icon={Ellipsis} label="More about this message" className="sm:size-8" />}>
        <MenuItem icon={ListTree} onSelect={onDetails}>
          What happened to it
        </MenuItem>
        {text !== "" && !isGone && (
          <MenuItem icon={Copy} onSelect={() => void copy()}>
            Copy the text
          </MenuItem>
        )}
        {own && mayHandle && isEditable(message, now) && (
          <MenuItem icon={Pencil} onSelect={onEdit}>
            Edit
          </MenuItem>
        )}
        {own && mayHandle && !isChat && isReplayable(message.status) && (
          <MenuItem icon={RotateCw} onSelect={() => setAsked("send-again")}>
            Send again
          </MenuItem>
        )}
        {own && mayHandle && !isChat && isCancelable(message.status) && (
          <MenuItem icon={CircleX} tone="danger" onSelect={() => acts.cancel.mutate()}>
            Cancel sending
          </MenuItem>
        )}
        {own && mayHandle && isChat && !isGone && (
          <>
            <MenuSeparator />
            <MenuItem icon={Undo2} tone="danger" onSelect={() => setAsked("take-back")}>
              Take back
            </MenuItem>
          </>
        )}
      </Menu>
      <ConfirmDialog
        title="Take this message back?"
        description="Its text, attachments and reactions go for everybody. That there was a message stays."
        action="Take back"
        isOpen={asked === "take-back"}
        isBusy={acts.takeBack.isPending}
        error={whyNot(acts.takeBack.error)}
        onConfirm={() => acts.takeBack.mutate(undefined, { onSuccess: () => setAsked(undefined) })}
        onClose={() => setAsked(undefined)}
      />
      <SendAgain message={message} replay={acts.replay} isAsked={asked === "send-again"} onClose={() => setAsked(undefined)} />
    </>
  );
}
