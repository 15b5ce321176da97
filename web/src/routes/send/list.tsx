/** The list of the texts that were sent: the newest last, next to the form. */
import { useQuery } from "@tanstack/react-query";
import { useAtomValue } from "jotai";
import { MessageSquareText } from "lucide-react";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { LoadMore } from "../../parts/load-more";
import { Skeleton } from "../../parts/skeleton";
import { EmptyState, ErrorState } from "../../parts/states";
import { meaningOf } from "../../parts/status";
import { StatusMark } from "../../parts/status-mark";
import { Time } from "../../parts/time";
import { sentRowsAtom, sentTextsAtom } from "./state";
import { type SentText, standingsQuery } from "./texts";

/** Nearer to the end than this is at the end. */
const NEAR = 48;

export function SentList() {
  const { isPending, isError, isFetching, isFetchingNextPage, isFetchNextPageError, hasNextPage, error, refetch, fetchNextPage } =
    useAtomValue(sentTextsAtom);
  const rows = useAtomValue(sentRowsAtom);
  const scroller = useScroller(rows);
  const loadEarlier = useCallback(() => void fetchNextPage(), [fetchNextPage]);

  return (
    <section
      ref={scroller}
      aria-label="Sent messages"
      // A region that scrolls must be reachable by the keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="min-h-0 flex-1 overflow-y-auto focus-visible:-outline-offset-2"
    >
      <div className="mx-auto flex min-h-full w-full max-w-3xl flex-col justify-end px-4 py-3 sm:px-6">
        {isPending && <Loading />}
        {isError && rows.length === 0 && (
          <ErrorState error={error} title="The sent messages could not be loaded" onRetry={() => void refetch()} isRetrying={isFetching} />
        )}
        {!isPending && !isError && rows.length === 0 && (
          <EmptyState icon={MessageSquareText} title="Nothing was sent yet">
            Enter a phone number and a message below. What you send stands here.
          </EmptyState>
        )}
        <LoadMore hasMore={hasNextPage} isLoading={isFetchingNextPage} hasFailed={isFetchNextPageError} onMore={loadEarlier} label="Load earlier messages" />
        {rows.length > 0 && (
          <ol className="flex flex-col gap-2">
            {rows.map((text) => (
              <SentRow key={text.message_id} text={text} />
            ))}
          </ol>
        )}
      </div>
    </section>
  );
}

function Loading() {
  return (
    <div role="status" className="flex flex-col gap-2">
      <span className="sr-only">Loading the sent messages</span>
      {Array.from({ length: 4 }, (_, index) => (
        <Skeleton key={index} className="h-18 w-full rounded-lg" />
      ))}
    </div>
  );
}

function SentRow({ text }: { text: SentText }) {
  const [mark, isSeen] = useSeen();
  const { data } = useQuery({ ...standingsQuery(text.recipient_phone), enabled: isSeen });
  const standing = data?.get(text.message_id);
  const meaning = standing && meaningOf(standing.status);
  const trouble = meaning?.tone === "danger" || meaning?.tone === "warn" ? meaning : undefined;
  return (
    <li ref={mark} data-message-id={text.message_id} className="rounded-lg bg-sent px-3.5 py-2.5 text-on-sent">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <bdi className="font-semibold tabular-nums">{text.recipient_phone}</bdi>
        <span className="flex items-baseline gap-3 text-xs text-on-sent-muted">
          {standing && <StatusMark status={standing.status} reason={standing.reason} isPlain className="self-center font-medium" />}
          <Time at={text.timestamp} form="exact" />
        </span>
      </div>
      <p dir="auto" className="mt-0.5 break-words whitespace-pre-wrap [unicode-bidi:plaintext]">
        {text.message_body}
      </p>
      {trouble && (
        <p className="mt-1.5 border-t border-on-sent/25 pt-1.5 text-[0.8125rem]">
          {trouble.sentence} {standing?.reason && <bdi>{standing.reason}. </bdi>}
          {trouble.advice}
        </p>
      )}
    </li>
  );
}

/** Whether an element was ever on screen. */
function useSeen() {
  const mark = useRef<HTMLLIElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (isSeen || !mark.current) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setSeen(true));
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, [isSeen]);
  return [mark, isSeen] as const;
}

/** Stays at the newest while its reader is there, and at what they read when earlier ones come in above it. */
function useScroller(rows: readonly SentText[]) {
  const scroller = useRef<HTMLElement>(null);
  const before = useRef({ first: undefined as number | undefined, height: 0, isAtEnd: true });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const first = rows[0]?.message_id;
    if (before.current.isAtEnd) element.scrollTop = element.scrollHeight;
    else if (first !== before.current.first && before.current.first !== undefined) element.scrollTop += element.scrollHeight - before.current.height;
    before.current = { ...before.current, first, height: element.scrollHeight };
  }, [rows]);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const note = () => {
      const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
      before.current = { ...before.current, isAtEnd };
    };
    // A status that explains itself, or the keyboard of a phone, changes the room there is.
    const resized = new ResizeObserver(() => {
      if (before.current.isAtEnd) element.scrollTop = element.scrollHeight;
      before.current = { ...before.current, height: element.scrollHeight };
    });
    element.addEventListener("scroll", note, { passive: true });
    resized.observe(element);
    if (element.firstElementChild) resized.observe(element.firstElementChild);
    return () => {
      element.removeEventListener("scroll", note);
      resized.disconnect();
    };
  }, []);
  return scroller;
}
