/** The groups that one is in. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useAtomValue } from "jotai";
import { UsersRound } from "lucide-react";
import { Count } from "../../parts/badge";
import { Link } from "../../parts/link";
import { LoadMore } from "../../parts/load-more";
import { SkeletonRows } from "../../parts/skeleton";
import { ErrorState } from "../../parts/states";
import { Time } from "../../parts/time";
import { presenceAtom } from "../../state/live";
import { conversationsQuery, uniqueById } from "../inbox/list/query";
import { type Conversation, titleOf } from "../inbox/names";
import type { ReactNode } from "react";

/** The conversations of people: what was said by chat, and what was begun of late and says nothing yet. */
export function useChats() {
  const said = useInfiniteQuery(conversationsQuery({ channel: "chat" }));
  const latest = useInfiniteQuery(conversationsQuery({}));
  const pages = [...(said.data?.pages ?? []), ...(latest.data?.pages.slice(0, 1) ?? [])];
  const chats = uniqueById(pages.flatMap((page) => page.data)).filter(({ kind }) => kind !== "numbers");
  const error = said.data ? null : (said.error ?? (latest.data ? null : latest.error));
  return { chats, said, error, isPending: !error && (said.isPending || latest.isPending) };
}

export function Groups({ me, empty }: { me: string; empty: ReactNode }) {
  const { chats, said, error, isPending } = useChats();
  const groups = chats.filter(({ kind }) => kind === "group").toSorted((one, other) => Date.parse(other.updated_at) - Date.parse(one.updated_at));
  if (isPending) return <SkeletonRows count={3} />;
  if (error) return <ErrorState title="Your groups could not be loaded" error={error} onRetry={() => void said.refetch()} isRetrying={said.isRefetching} />;
  return (
    <>
      {groups.length === 0 && !said.hasNextPage && empty}
      <ul aria-label="Groups" className="flex flex-col divide-y">
        {groups.map((group) => (
          <GroupRow key={group.id} group={group} me={me} />
        ))}
      </ul>
      <LoadMore hasMore={said.hasNextPage} isLoading={said.isFetchingNextPage} hasFailed={said.isFetchNextPageError} onMore={said.fetchNextPage} />
    </>
  );
}

export function GroupRow({ group, me }: { group: Conversation; me: string }) {
  const presence = useAtomValue(presenceAtom);
  const others = group.participants.filter((name) => name !== me);
  const online = others.filter((name) => presence.get(name)).length;
  return (
    <li>
      <Link
        to="/inbox/$conversationId"
        params={{ conversationId: String(group.id) }}
        className="flex items-center gap-3 px-3 py-2.5 hover:bg-hover focus-visible:-outline-offset-2 sm:px-4"
      >
        <span aria-hidden="true" className="grid size-9 shrink-0 place-items-center rounded-full bg-accent-soft text-accent">
          <UsersRound className="size-4.5" />
        </span>
        <span className="min-w-0 flex-1">
          <bdi className="block truncate font-medium">{titleOf(group, me)}</bdi>
          <span className="block truncate text-[0.8125rem] text-ink-muted">
            {online > 0 && <span className="text-ok">{online} online · </span>}
            <bdi>{others.length > 0 ? others.join(", ") : "Nobody but you"}</bdi>
          </span>
        </span>
        <Count value={group.unread_count} label="unread" />
        <Time at={group.updated_at} form="list" className="text-xs text-ink-muted" />
      </Link>
    </li>
  );
}
