/** Somebody, and what can be done about them as things stand. */
import { useAtomValue } from "jotai";
import { Ban, Check, EllipsisVertical, MessageCircle, UserPlus, UserX, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Avatar } from "../../parts/avatar";
import { Badge } from "../../parts/badge";
import { Button, IconButton } from "../../parts/button";
import { ConfirmDialog } from "../../parts/dialog";
import { Menu, MenuItem, MenuSeparator } from "../../parts/menu";
import { presenceAtom } from "../../state/live";
import { type Act, usePersonActs } from "./acts";
import type { Known } from "./relations";

/** What is asked about before it is done. */
type Grave = "unfriend" | "block";

export function PersonRow({ person, note }: { person: Known; note?: ReactNode }) {
  const { userName, name, relation } = person;
  const isOnline = useAtomValue(presenceAtom).get(userName);
  const { act, running } = usePersonActs(userName);
  const [grave, setGrave] = useState<Grave>();
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-3 py-2.5 sm:px-4">
      <Avatar name={name || userName} isOnline={relation === "blocked" ? undefined : isOnline} />
      <div className="min-w-0 flex-1 basis-32">
        <p className="flex min-w-0 items-center gap-2">
          <bdi className="truncate font-medium">{name || userName}</bdi>
          {relation === "friend" && isOnline && <span className="sr-only">online</span>}
          {relation === "asked" && <Badge>Asked</Badge>}
          {relation === "blocked" && <Badge tone="danger">Blocked</Badge>}
        </p>
        <p className="flex min-w-0 flex-wrap gap-x-2 text-[0.8125rem] text-ink-muted">
          <bdi className="truncate">{name === "" ? null : `@${userName}`}</bdi>
          {note}
        </p>
      </div>
      <div className="ms-auto flex items-center gap-1.5">
        <MainActs person={person} act={act} running={running} />
        {relation !== "blocked" && (
          <Menu trigger={<IconButton icon={EllipsisVertical} label={`More about ${userName}`} />}>
            {relation !== "friend" && (
              <MenuItem icon={MessageCircle} onSelect={() => act("chat")}>
                Write to them
              </MenuItem>
            )}
            {relation === "friend" && (
              <MenuItem icon={UserX} onSelect={() => setGrave("unfriend")}>
                End the friendship
              </MenuItem>
            )}
            <MenuSeparator />
            <MenuItem icon={Ban} tone="danger" onSelect={() => setGrave("block")}>
              Block
            </MenuItem>
          </Menu>
        )}
      </div>
      <ConfirmDialog
        title={grave === "block" ? `Block ${userName}?` : `End the friendship with ${userName}?`}
        description={
          grave === "block"
            ? "Neither of you can write to the other any more, and a friendship ends. They are not told."
            : "They are no longer among your friends, nor you among theirs. What you wrote stays."
        }
        action={grave === "block" ? "Block" : "End it"}
        isOpen={grave !== undefined}
        onConfirm={() => {
          if (grave) act(grave);
          setGrave(undefined);
        }}
        onClose={() => setGrave(undefined)}
      />
    </li>
  );
}

function MainActs({ person: { userName, relation }, act, running }: { person: Known; act: (act: Act) => void; running: Act | undefined }) {
  switch (relation) {
    case "friend":
      return (
        <Button size="small" icon={MessageCircle} isBusy={running === "chat"} aria-label={`Chat with ${userName}`} onClick={() => act("chat")}>
          Chat
        </Button>
      );
    case "asks":
      return (
        <>
          <Button size="small" tone="accent" icon={Check} isBusy={running === "accept"} aria-label={`Accept the request of ${userName}`} onClick={() => act("accept")}>
            Accept
          </Button>
          <Button size="small" icon={X} isBusy={running === "decline"} aria-label={`Decline the request of ${userName}`} onClick={() => act("decline")}>
            Decline
          </Button>
        </>
      );
    case "asked":
      return (
        <Button size="small" isBusy={running === "takeBack"} aria-label={`Take back your request to ${userName}`} onClick={() => act("takeBack")}>
          Take back
        </Button>
      );
    case "blocked":
      return (
        <Button size="small" isBusy={running === "unblock"} aria-label={`Unblock ${userName}`} onClick={() => act("unblock")}>
          Unblock
        </Button>
      );
    case "none":
      return (
        <Button size="small" icon={UserPlus} isBusy={running === "ask"} aria-label={`Add friend ${userName}`} onClick={() => act("ask")}>
          Add friend
        </Button>
      );
  }
}
