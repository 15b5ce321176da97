/** What people reacted with; a click adds or takes away one's own. */
import { Popover } from "@base-ui/react/popover";
import { SmilePlus } from "lucide-react";
import { useState } from "react";
import type { Message } from "../../../api/thread";
import { IconButton } from "../../../parts/button";
import type { MessageActs } from "./acts";

/** One press away; any other by the picker of the system's keyboard. */
const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🎉", "🙏", "👀"];

export interface ReactionsProps {
  message: Message;
  me: string | undefined;
  react: MessageActs["react"];
  mayReact: boolean;
}

export function Reactions({ message, me, react, mayReact }: ReactionsProps) {
  const reactions = message.reactions ?? [];
  if (reactions.length === 0) return null;
  return (
    <ul aria-label="Reactions" className="mt-1 flex flex-wrap gap-1">
      {reactions.map(({ emoji, count, user_names: names }) => {
        const isOwn = me !== undefined && names.includes(me);
        const who = names.map((name) => (name === me ? "you" : name)).join(", ");
        return (
          <li key={emoji}>
            <button
              type="button"
              aria-pressed={isOwn}
              aria-disabled={!mayReact || react.isPending || undefined}
              aria-label={`${emoji}, ${count}: ${who}`}
              title={who}
              onClick={() => mayReact && !react.isPending && react.mutate({ emoji, isOn: !isOwn })}
              className="inline-flex min-h-9 items-center gap-1 rounded-full border bg-surface px-2 text-[0.8125rem] tabular-nums hover:not-aria-disabled:bg-hover aria-pressed:border-accent aria-pressed:bg-accent-soft sm:min-h-6"
            >
              <span aria-hidden="true">{emoji}</span>
              <span aria-hidden="true" className="text-xs">
                {count}
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

export function ReactionPicker({ message, me, react }: Omit<ReactionsProps, "mayReact">) {
  const [isOpen, setOpen] = useState(false);
  const own = new Set((message.reactions ?? []).filter(({ user_names: names }) => me !== undefined && names.includes(me)).map(({ emoji }) => emoji));
  return (
    <Popover.Root open={isOpen} onOpenChange={setOpen}>
      <Popover.Trigger render={<IconButton icon={SmilePlus} label="React" isBusy={react.isPending} className="sm:size-8" />} />
      <Popover.Portal>
        <Popover.Positioner side="top" sideOffset={4} collisionPadding={8} className="z-50">
          <Popover.Popup aria-label="Reactions" className="flex max-w-[calc(100vw-1rem)] flex-wrap rounded-2xl border bg-raised p-1 shadow-floating outline-none">
            {QUICK.map((emoji) => (
              <button
                key={emoji}
                type="button"
                aria-label={emoji}
                aria-pressed={own.has(emoji)}
                onClick={() => {
                  setOpen(false);
                  react.mutate({ emoji, isOn: !own.has(emoji) });
                }}
                className="grid size-10 place-items-center rounded-full text-xl hover:bg-hover aria-pressed:bg-accent-soft sm:size-9"
              >
                {emoji}
              </button>
            ))}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
