/** The search over the list. It stands in the address a moment after the last key. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useAtomValue } from "jotai";
import { Search, X } from "lucide-react";
import { type Ref, useEffect, useRef, useState } from "react";
import { IconButton } from "../../../parts/button";
import { areKeysOnAtom } from "../../../state/preferences";

const PAUSE_MS = 250;

export function SearchBox({ ref }: { ref: Ref<HTMLInputElement> }) {
  const { q = "" } = useSearch({ from: "/inside/inbox" });
  const areKeysOn = useAtomValue(areKeysOnAtom);
  const navigate = useNavigate();
  const [text, setText] = useState(q);
  const [asked, setAsked] = useState(q);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  // Somebody else changed the address: its search counts, not what stands here.
  if (q !== asked) {
    setAsked(q);
    setText(q);
  }

  function ask(words: string) {
    clearTimeout(timer.current);
    const wanted = words.trim();
    setAsked(wanted);
    void navigate({ to: ".", search: ({ q: _before, ...rest }) => (wanted === "" ? rest : { ...rest, q: wanted }), replace: true });
  }

  return (
    <search className="relative min-w-0 flex-1">
      <Search aria-hidden="true" className="pointer-events-none absolute inset-y-0 start-2.5 my-auto size-4 text-ink-muted" />
      <input
        ref={ref}
        type="search"
        dir="auto"
        value={text}
        aria-label="Search conversations"
        aria-keyshortcuts={areKeysOn ? "/" : undefined}
        placeholder="Search"
        enterKeyHint="search"
        autoComplete="off"
        onChange={(event) => {
          const words = event.currentTarget.value;
          setText(words);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => ask(words), PAUSE_MS);
        }}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return;
          if (event.key === "Enter") ask(text);
          if (event.key === "Escape") {
            event.preventDefault();
            if (text === "") event.currentTarget.blur();
            setText("");
            ask("");
          }
        }}
        className="h-10 w-full rounded-md border border-line-strong bg-surface ps-8.5 pe-9 text-base focus-visible:outline-offset-0 sm:h-9 sm:text-sm [&::-webkit-search-cancel-button]:hidden"
      />
      {text !== "" && (
        <IconButton
          icon={X}
          label="Clear the search"
          className="absolute inset-y-0 end-0 my-auto"
          onClick={() => {
            setText("");
            ask("");
          }}
        />
      )}
    </search>
  );
}
