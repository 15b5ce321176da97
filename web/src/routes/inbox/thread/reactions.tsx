/** What people reacted with; a click adds or takes away one's own. */
import { SmilePlus } from "lucide-react";
import { type RefObject, Suspense, useState } from "react";
import type { Message } from "../../../api/thread";
import { IconButton } from "../../../parts/button";
import { lazyWithRetry } from "../../../parts/lazy-with-retry";
import { toastFailure, unopened } from "../../../parts/toasts";
import type { MessageActs } from "./acts";

const ReactionPopup = lazyWithRetry(async () => (await import("./reaction-popup")).ReactionPopup);
const prefetch = () => void ReactionPopup.prefetch();

export interface ReactionsProps {
  message: Message;
  me: string | undefined;
  acts: MessageActs;
  mayReact: boolean;
}

function react(acts: MessageActs, message: Message, emoji: string, isOn: boolean): void {
  acts.react(message, emoji, isOn).catch((error: unknown) => toastFailure("The reaction was not kept", error));
}

export function Reactions({ message, me, acts, mayReact }: ReactionsProps) {
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
              aria-disabled={!mayReact || undefined}
              aria-label={`${emoji}, ${count}: ${who}`}
              title={who}
              onClick={() => mayReact && react(acts, message, emoji, !isOwn)}
              className="inline-flex min-h-10 items-center gap-1 rounded-full border bg-surface px-2 text-[0.8125rem] tabular-nums hover:not-aria-disabled:bg-hover aria-pressed:border-accent aria-pressed:bg-accent-soft sm:min-h-6"
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

export interface ReactionPickerProps extends Omit<ReactionsProps, "mayReact"> {
  /** What it stands beside. */
  anchor: RefObject<HTMLElement | null>;
  isOpen: boolean;
  onChange: (isOpen: boolean) => void;
}

export function ReactionPicker({ message, me, acts, anchor, isOpen, onChange }: ReactionPickerProps) {
  const [isWanted, setWanted] = useState(false);
  if (isOpen && !isWanted) setWanted(true);
  const own = ownOf(message, me);
  const giveUp = () => {
    setWanted(false);
    onChange(false);
  };
  return (
    <>
      <IconButton
        icon={SmilePlus}
        label="React"
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        className="[@media(hover:none)]:hidden sm:size-8"
        onPointerEnter={prefetch}
        onFocus={prefetch}
        onClick={() => onChange(!isOpen)}
      />
      {isWanted && (
        <Suspense>
          <ReactionPopup
            anchor={anchor}
            own={own}
            isOpen={isOpen}
            onChoose={(emoji) => react(acts, message, emoji, !own.has(emoji))}
            onClose={() => onChange(false)}
            onFailure={unopened(giveUp)}
          />
        </Suspense>
      )}
    </>
  );
}

function ownOf(message: Message, me: string | undefined): ReadonlySet<string> {
  const own = (message.reactions ?? []).filter(({ user_names: names }) => me !== undefined && names.includes(me));
  return new Set(own.map(({ emoji }) => emoji));
}
