/** All emoji, with a search: for a text, or for a reaction. */
import { EmojiPicker, type EmojiPickerListCategoryHeaderProps, type EmojiPickerListEmojiProps, type EmojiPickerListRowProps } from "frimousse";
import { useState } from "react";
import { loadEmoji } from "./emoji-data";
import { ErrorState } from "./states";

export function EmojiPanel({ onChoose }: { onChoose: (emoji: string) => void }) {
  const [error, setError] = useState<unknown>();
  const [tries, setTries] = useState(0);
  if (error !== undefined) {
    const retry = () => {
      setError(undefined);
      setTries(tries + 1);
    };
    return (
      <div className="h-80 w-80 max-w-[calc(100vw-1rem)]">
        <ErrorState error={error} title="The emoji could not be loaded" onRetry={retry} />
      </div>
    );
  }
  const load = () =>
    loadEmoji().catch((error: unknown) => {
      setError(error);
      return { locale: "en", emojis: [], categories: [], skinTones: { light: "", "medium-light": "", medium: "", "medium-dark": "", dark: "" } };
    });
  return (
    <EmojiPicker.Root
      key={tries}
      locale={`en-${tries}`}
      columns={8}
      resolveEmojiData={load}
      onEmojiSelect={({ emoji }) => onChoose(emoji)}
      className="isolate flex h-80 w-80 max-w-[calc(100vw-1rem)] flex-col"
    >
      <EmojiPicker.Search aria-label="Find an emoji" placeholder="Find an emoji" className="mx-2 mt-2 h-10 rounded-md border border-line-strong bg-surface px-3 text-base sm:h-9 sm:text-sm" />
      <EmojiPicker.Viewport className="relative min-h-0 flex-1 outline-none">
        <EmojiPicker.Loading className="absolute inset-0 grid place-items-center text-ink-muted">Loading…</EmojiPicker.Loading>
        <EmojiPicker.Empty className="absolute inset-0 grid place-items-center text-ink-muted">No emoji is called that</EmojiPicker.Empty>
        <EmojiPicker.List className="pb-1.5 select-none" components={{ CategoryHeader, Row, Emoji }} />
      </EmojiPicker.Viewport>
      <div className="flex min-h-11 items-center gap-2 border-t px-3">
        <EmojiPicker.ActiveEmoji>
          {({ emoji }) => (
            <>
              <span aria-hidden="true" className="text-xl">
                {emoji?.emoji}
              </span>
              <span className="min-w-0 flex-1 truncate text-xs text-ink-muted">{emoji?.label ?? "Choose an emoji"}</span>
            </>
          )}
        </EmojiPicker.ActiveEmoji>
        <EmojiPicker.SkinToneSelector className="grid size-9 place-items-center rounded-md text-xl hover:bg-hover" />
      </div>
    </EmojiPicker.Root>
  );
}

function CategoryHeader({ category, ...rest }: EmojiPickerListCategoryHeaderProps) {
  return (
    <div {...rest} className="bg-raised px-3 pt-2 pb-1 text-xs font-medium text-ink-muted first-letter:uppercase">
      {category.label}
    </div>
  );
}

/** ARIA counts from one. The list finds its rows by what they say here, but for the first. */
function Row({ children, ...rest }: EmojiPickerListRowProps) {
  return (
    <div {...rest} aria-rowindex={rest["aria-rowindex"] || undefined} className="scroll-my-1.5 px-1.5">
      {children}
    </div>
  );
}

function Emoji({ emoji, ...rest }: EmojiPickerListEmojiProps) {
  return (
    <button {...rest} role="gridcell" aria-colindex={(rest["aria-colindex"] ?? 0) + 1} type="button" className="grid h-9 flex-1 basis-0 place-items-center rounded-md text-xl data-active:bg-hover">
      {emoji.emoji}
    </button>
  );
}
