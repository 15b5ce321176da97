/** Who is writing here now. */
import { useAtomValue } from "jotai";
import { typingAtom } from "../../../state/live";
import { useSession } from "../../../state/session";
import { usernameOf } from "../names";

const MOST_NAMES = 3;

export function Typing({ conversationId }: { conversationId: number }) {
  const me = usernameOf(useSession());
  const names = useAtomValue(typingAtom(conversationId)).filter((name) => name !== me);
  return (
    <div aria-live="polite" className="pointer-events-none absolute inset-x-0 bottom-0 px-3 sm:px-5">
      {names.length > 0 && (
        <p className="mx-auto flex w-fit max-w-full animate-appear items-center gap-1.5 rounded-t-md bg-surface px-2.5 py-0.5 text-xs text-ink-muted shadow-raised">
          <span aria-hidden="true" className="flex gap-0.5">
            <span className="size-1 animate-pulse rounded-full bg-current" />
            <span className="size-1 animate-pulse rounded-full bg-current [animation-delay:200ms]" />
            <span className="size-1 animate-pulse rounded-full bg-current [animation-delay:400ms]" />
          </span>
          <span className="truncate">{sentenceOf(names)}</span>
        </p>
      )}
    </div>
  );
}

function sentenceOf(names: readonly string[]): string {
  const [one = "", other = ""] = names;
  if (names.length === 1) return `${one} is writing`;
  if (names.length === 2) return `${one} and ${other} are writing`;
  if (names.length === MOST_NAMES) return `${names.slice(0, 2).join(", ")} and ${names[2]} are writing`;
  return "Several people are writing";
}
