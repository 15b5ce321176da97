/** Which emoji to react with: a few at once, all of them behind one press more. */
import { Popover } from "@base-ui/react/popover";
import { Plus } from "lucide-react";
import { type RefObject, Suspense, useState } from "react";
import { IconButton } from "../../../parts/button";
import { EmojiPanel } from "../../../parts/later";
import { Spinner } from "../../../parts/spinner";

const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🎉", "🙏"];

export interface ReactionPopupProps {
  anchor: RefObject<HTMLElement | null>;
  own: ReadonlySet<string>;
  isOpen: boolean;
  onChoose: (emoji: string) => void;
  onClose: () => void;
}

export function ReactionPopup({ anchor, own, isOpen, onChoose, onClose }: ReactionPopupProps) {
  const [isWhole, setWhole] = useState(false);
  const close = () => {
    setWhole(false);
    onClose();
  };
  const choose = (emoji: string) => {
    close();
    onChoose(emoji);
  };
  return (
    <Popover.Root open={isOpen} onOpenChange={(open) => !open && close()}>
      <Popover.Portal>
        <Popover.Positioner anchor={anchor} side="top" sideOffset={4} collisionPadding={8} className="z-50 outline-none">
          <Popover.Popup aria-label="Reactions" className="rounded-2xl border bg-raised p-1 text-ink shadow-floating outline-none">
            {isWhole ? (
              <Suspense
                fallback={
                  <div className="grid h-80 w-80 max-w-[calc(100vw-1rem)] place-items-center">
                    <Spinner />
                  </div>
                }
              >
                <EmojiPanel onChoose={choose} />
              </Suspense>
            ) : (
              <div className="flex max-w-[calc(100vw-1rem)] flex-wrap">
                {QUICK.map((emoji) => (
                  <button
                    key={emoji}
                    type="button"
                    aria-label={emoji}
                    aria-pressed={own.has(emoji)}
                    onClick={() => choose(emoji)}
                    className="grid size-10 place-items-center rounded-full text-xl hover:bg-hover aria-pressed:bg-accent-soft sm:size-9"
                  >
                    {emoji}
                  </button>
                ))}
                <IconButton icon={Plus} label="Other emoji" onClick={() => setWhole(true)} />
              </div>
            )}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
