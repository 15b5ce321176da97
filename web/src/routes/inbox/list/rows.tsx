/** The conversations, as many of them as are seen. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useAtomValue } from "jotai";
import { Inbox, SearchX } from "lucide-react";
import { type Ref, useCallback, useEffect, useImperativeHandle, useMemo, useRef } from "react";
import { Button } from "../../../parts/button";
import { SkeletonRows } from "../../../parts/skeleton";
import { Spinner } from "../../../parts/spinner";
import { EmptyState, ErrorState } from "../../../parts/states";
import { presenceAtom } from "../../../state/live";
import { useSession } from "../../../state/session";
import { focusRow } from "../focus";
import { type Conversation, counterparts, usernameOf } from "../names";
import { conversationsQuery, countFilters, uniqueById } from "./query";
import { ConversationRow } from "./row";

export interface ListHandle {
  /** Puts the keyboard on the next or an earlier conversation. */
  move: (step: 1 | -1) => void;
}

const ROW_HEIGHT = 66;
/** Rows before the end at which the next page is fetched. */
const AHEAD = 15;

export function ConversationRows({ ref, onNew }: { ref: Ref<ListHandle>; onNew: () => void }) {
  const search = useSearch({ from: "/inside/inbox" });
  const query = useInfiniteQuery(conversationsQuery(search));
  const conversations = useMemo(() => uniqueById(query.data?.pages.flatMap((page) => page.data) ?? []), [query.data]);
  if (query.isPending) return <SkeletonRows count={9} label="Loading the conversations" />;
  if (query.isError && conversations.length === 0) {
    return (
      <ErrorState error={query.error} title="The conversations could not be loaded" onRetry={() => void query.refetch()} isRetrying={query.isFetching} />
    );
  }
  if (conversations.length === 0) return <NoConversations isFiltered={search.q !== undefined || countFilters(search) > 0} onNew={onNew} />;
  return (
    <Rows
      ref={ref}
      conversations={conversations}
      hasMore={query.hasNextPage}
      isLoadingMore={query.isFetchingNextPage}
      hasFailed={query.isFetchNextPageError}
      onMore={query.fetchNextPage}
    />
  );
}

function NoConversations({ isFiltered, onNew }: { isFiltered: boolean; onNew: () => void }) {
  const navigate = useNavigate();
  if (!isFiltered) {
    return (
      <EmptyState icon={Inbox} title="No conversations yet" action={<Button onClick={onNew}>New conversation</Button>}>
        What you send and what comes in stands here, one conversation with each address.
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={SearchX} title="Nothing matches" action={<Button onClick={() => void navigate({ to: ".", search: {} })}>Show all</Button>}>
      No conversation is as the search and the filters ask.
    </EmptyState>
  );
}

interface RowsProps {
  ref: Ref<ListHandle>;
  conversations: readonly Conversation[];
  hasMore: boolean;
  isLoadingMore: boolean;
  hasFailed: boolean;
  onMore: () => unknown;
}

function Rows({ ref, conversations, hasMore, isLoadingMore, hasFailed, onMore }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const me = usernameOf(useSession());
  const presence = useAtomValue(presenceAtom);
  const { conversationId } = useParams({ strict: false });
  const virtualizer = useVirtualizer({
    count: conversations.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: useCallback((index: number) => conversations[index]?.id ?? index, [conversations]),
    overscan: 6,
  });
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const isDue = hasMore && !isLoadingMore && !hasFailed && last >= conversations.length - AHEAD;
  useEffect(() => {
    if (isDue) void onMore();
  }, [isDue, onMore]);

  useImperativeHandle(ref, () => ({
    move: (step) => {
      const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.row : undefined;
      const from = conversations.findIndex(({ id }) => String(id) === (focused ?? conversationId));
      const to = from === -1 ? 0 : Math.min(Math.max(from + step, 0), conversations.length - 1);
      const target = conversations[to];
      if (!target) return;
      virtualizer.scrollToIndex(to);
      focusRow(target.id);
    },
  }));

  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto overscroll-contain">
      <ul aria-label="Conversations" className="relative" style={{ height: virtualizer.getTotalSize() }}>
        {items.map((item) => {
          const conversation = conversations[item.index];
          if (!conversation) return null;
          return (
            <li
              key={item.key}
              ref={virtualizer.measureElement}
              data-index={item.index}
              aria-setsize={hasMore ? -1 : conversations.length}
              aria-posinset={item.index + 1}
              className="absolute inset-x-0 top-0"
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <ConversationRow conversation={conversation} me={me} isOnline={onlineOf(conversation, me, presence)} />
            </li>
          );
        })}
      </ul>
      {hasMore && (
        <div className="grid min-h-14 place-items-center">
          {hasFailed ? (
            <Button size="small" onClick={() => void onMore()}>
              Try again
            </Button>
          ) : (
            <Spinner />
          )}
        </div>
      )}
    </div>
  );
}

/** Only of a person is it known, and only where it is told. */
function onlineOf(conversation: Conversation, me: string | undefined, presence: ReadonlyMap<string, boolean>): boolean | undefined {
  if (conversation.kind !== "direct") return undefined;
  const [other] = counterparts(conversation, me);
  return other === undefined ? undefined : presence.get(other);
}
