/** The messages of a conversation, newest at the end. Only what is seen is rendered, however long it is. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { MessagesSquare } from "lucide-react";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Button } from "../../../parts/button";
import { SkeletonRows } from "../../../parts/skeleton";
import { Spinner } from "../../../parts/spinner";
import { EmptyState, ErrorState } from "../../../parts/states";
import { isAgent, useSession } from "../../../state/session";
import { type Conversation, usernameOf } from "../names";
import { useArrivals, useRefusals } from "./arrivals";
import { useThread } from "./data";
import { useReadMarks } from "./read-marks";
import { ThreadRow } from "./row";
import type { Row, ThreadPages } from "./rows";
import { ToTheEnd } from "./to-the-end";
import { Typing } from "./typing";

/** Rows before the oldest that was read at which older ones are fetched. */
const AHEAD = 30;
const TOP = 56;
const BOTTOM = 12;
/** How near the end counts as at it, in pixels. */
const NEAR = 64;

export function Thread({ conversation }: { conversation: Conversation }) {
  const { query, thread, rows } = useThread(conversation);
  useArrivals(thread);
  useRefusals(conversation.id);
  if (query.isPending) {
    return (
      <div className="flex min-h-0 flex-1 flex-col justify-end overflow-hidden">
        <SkeletonRows count={6} label="Loading the messages" />
      </div>
    );
  }
  if (query.isError && !thread) {
    return (
      <div className="min-h-0 flex-1 overflow-y-auto">
        <ErrorState error={query.error} title="The messages could not be loaded" onRetry={() => void query.refetch()} isRetrying={query.isFetching} />
      </div>
    );
  }
  if (rows.length === 0) {
    return (
      <div className="grid min-h-0 flex-1 place-items-center overflow-y-auto">
        <EmptyState icon={MessagesSquare} title="Nothing was said yet">
          Write the first message below.
        </EmptyState>
      </div>
    );
  }
  return (
    <Rows
      conversation={conversation}
      rows={rows}
      thread={thread}
      hasMore={query.hasNextPage}
      isLoadingMore={query.isFetchingNextPage}
      hasFailed={query.isFetchNextPageError}
      onMore={query.fetchNextPage}
    />
  );
}

interface RowsProps {
  conversation: Conversation;
  rows: readonly Row[];
  thread: ThreadPages | undefined;
  hasMore: boolean;
  isLoadingMore: boolean;
  hasFailed: boolean;
  onMore: () => unknown;
}

function Rows({ conversation, rows, thread, hasMore, isLoadingMore, hasFailed, onMore }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const session = useSession();
  const me = usernameOf(session);
  const isTeam = isAgent(session);
  const reader = useMemo(() => ({ me, isTeam }), [me, isTeam]);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimate(rows[index]),
    getItemKey: useCallback((index: number) => rows[index]?.key ?? index, [rows]),
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: NEAR,
    paddingStart: TOP,
    paddingEnd: BOTTOM,
    overscan: 6,
  });
  useLayoutEffect(() => virtualizer.scrollToEnd(), [virtualizer]);
  const isAtEnd = useAtEnd(scroller, () => virtualizer.scrollToEnd());

  // Whoever sends something wants to see it stand there.
  const last = rows.at(-1);
  const sent = last?.kind === "outgoing" ? last.key : undefined;
  useLayoutEffect(() => {
    if (sent !== undefined) virtualizer.scrollToEnd();
  }, [sent, virtualizer]);

  const items = virtualizer.getVirtualItems();
  const first = items[0];
  const isDue = hasMore && !isLoadingMore && !hasFailed && first !== undefined && first.index < AHEAD;
  useEffect(() => {
    if (isDue) void onMore();
  }, [isDue, onMore]);
  const lastSeen = items.at(-1)?.index ?? -1;
  useReadMarks(conversation, rows, lastSeen);

  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div
        ref={scroller}
        data-thread
        // Whoever has no wheel scrolls it by the keyboard.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        role="region"
        aria-label="Messages"
        className="min-h-0 flex-1 overflow-x-hidden overflow-y-auto overscroll-contain flex flex-col [overflow-anchor:none] focus-visible:-outline-offset-2"
      >
        <div className="relative mt-auto shrink-0" style={{ height: virtualizer.getTotalSize() }}>
          <Beginning hasMore={hasMore} isLoading={isLoadingMore} hasFailed={hasFailed} onMore={onMore} />
          <ol className="absolute inset-x-0 top-0" style={{ transform: `translateY(${first?.start ?? 0}px)` }}>
            {items.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              return (
                <li
                  key={item.key}
                  ref={virtualizer.measureElement}
                  data-index={item.index}
                  aria-setsize={hasMore ? -1 : rows.length}
                  aria-posinset={hasMore ? undefined : item.index + 1}
                  className="mx-auto max-w-3xl px-3 sm:px-5"
                >
                  <ThreadRow row={row} conversation={conversation} reader={reader} isLast={item.index === rows.length - 1} />
                </li>
              );
            })}
          </ol>
        </div>
      </div>
      <ToTheEnd thread={thread} isAtEnd={isAtEnd} onGo={() => virtualizer.scrollToEnd()} />
      <Typing conversationId={conversation.id} />
    </div>
  );
}

/** Whether the end is seen. It stays so when the place for it shrinks, as when the composer grows. */
function useAtEnd(scroller: RefObject<HTMLElement | null>, toEnd: () => void): boolean {
  const [isAtEnd, setAtEnd] = useState(true);
  const wasAtEnd = useRef(true);
  const latest = useRef(toEnd);
  const look = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    wasAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR;
    setAtEnd(wasAtEnd.current);
  }, [scroller]);
  useEffect(() => {
    latest.current = toEnd;
  });
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    element.addEventListener("scroll", look, { passive: true });
    const place = new ResizeObserver(() => {
      if (wasAtEnd.current) latest.current();
    });
    place.observe(element);
    const content = new ResizeObserver(look);
    if (element.firstElementChild) content.observe(element.firstElementChild);
    return () => {
      element.removeEventListener("scroll", look);
      place.disconnect();
      content.disconnect();
    };
  }, [scroller, look]);
  return isAtEnd;
}

/** Above the oldest message: that it is the first, or that older ones come. */
function Beginning({ hasMore, isLoading, hasFailed, onMore }: { hasMore: boolean; isLoading: boolean; hasFailed: boolean; onMore: () => unknown }) {
  return (
    <div className="absolute inset-x-0 top-0 grid h-14 place-items-center text-xs text-ink-muted">
      {!hasMore && "The beginning of the conversation"}
      {hasMore && !hasFailed && isLoading && <Spinner />}
      {hasFailed && (
        <span role="alert" className="flex items-center gap-2">
          Older messages could not be loaded.
          <Button size="small" isBusy={isLoading} onClick={() => void onMore()}>
            Try again
          </Button>
        </span>
      )}
    </div>
  );
}

/** Near enough that little moves when the real height is known. */
function estimate(row: Row | undefined): number {
  if (!row) return 44;
  const heading = row.day === undefined ? 0 : 44;
  if (row.kind === "activity") return heading + (row.activity.note ? 84 : 32);
  const { body } = row.kind === "message" ? row.message : row.outgoing;
  const isMail = row.kind === "message" ? row.message.type === "email" : row.outgoing.type === "email";
  const lines = Math.min(Math.ceil(body.length / 60), 40);
  return heading + (isMail ? 132 : row.kind === "message" && row.message.direction === "outbound" ? 40 : 38) + lines * 20;
}
