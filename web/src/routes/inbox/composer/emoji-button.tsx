/** A button that opens all emoji; they are fetched when it is first pressed. */
import { Smile } from "lucide-react";
import { type RefObject, Suspense, useState } from "react";
import { IconButton } from "../../../parts/button";
import { EmojiPanel } from "../../../parts/later";
import { Popover } from "../../../parts/popover";
import { Spinner } from "../../../parts/spinner";

export function EmojiButton({ finalFocus, onChoose }: { finalFocus: RefObject<HTMLElement | null>; onChoose: (emoji: string) => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover label="Emoji" side="top" align="start" isOpen={isOpen} onChange={setOpen} finalFocus={finalFocus} trigger={<IconButton icon={Smile} label="Emoji" />}>
      <Suspense
        fallback={
          <div className="grid h-80 w-80 max-w-[calc(100vw-1rem)] place-items-center">
            <Spinner />
          </div>
        }
      >
        <EmojiPanel
          onChoose={(emoji) => {
            setOpen(false);
            onChoose(emoji);
          }}
        />
      </Suspense>
    </Popover>
  );
}
