/** What can be done with one message. */
import { CircleX, Copy, Ellipsis, ListTree, Pencil, RotateCw, SmilePlus, Undo2 } from "lucide-react";
import { useState } from "react";
import type { Message } from "../../../api/thread";
import { IconButton } from "../../../parts/button";
import { useNow } from "../../../parts/clock";
import { copyAndTell } from "../../../parts/copy-text";
import { Menu, MenuItem, MenuSeparator } from "../../../parts/menu";
import { isCancelable, isReplayable } from "../../../parts/status";
import { toastFailure } from "../../../parts/toasts";
import { isEditable, type MessageActs } from "./acts";
import { SendAgain, TakeBack } from "./confirm";

export interface MessageMenuProps {
  message: Message;
  acts: MessageActs;
  /** Whether the reader answers for it. */
  mayHandle: boolean;
  own: boolean;
  onEdit: () => void;
  onDetails: () => void;
  /** Where the reader may react; the button for it is not shown where there is little room. */
  onReact: (() => void) | undefined;
}

export function MessageMenu({ message, acts, mayHandle, own, onEdit, onDetails, onReact }: MessageMenuProps) {
  const [asked, setAsked] = useState<"take-back" | "send-again" | undefined>();
  const now = useNow();
  const isChat = message.type === "chat";
  const isGone = Boolean(message.deleted_at);
  const text = message.new_text ?? message.text ?? message.body;

  return (
    <>
      <Menu trigger={<IconButton icon={Ellipsis} label="More about this message" className="sm:size-8" />}>
        {onReact && (
          <MenuItem icon={SmilePlus} onSelect={onReact}>
            React
          </MenuItem>
        )}
        <MenuItem icon={ListTree} onSelect={onDetails}>
          What happened to it
        </MenuItem>
        {text !== "" && !isGone && (
          <MenuItem icon={Copy} onSelect={() => void copyAndTell(text, "Copied")}>
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
          <MenuItem icon={CircleX} tone="danger" onSelect={() => void acts.cancel(message).catch((error: unknown) => toastFailure("It could not be cancelled", error))}>
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
      {asked === "take-back" && <TakeBack message={message} acts={acts} onClose={() => setAsked(undefined)} />}
      {asked === "send-again" && <SendAgain message={message} acts={acts} onClose={() => setAsked(undefined)} />}
    </>
  );
}
