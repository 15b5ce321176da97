/** Whom one knows, who asks, whom one wants nothing of, and who else is in the workspace: all pages, one after the other. */
import { type InfiniteData, infiniteQueryOptions, useInfiniteQuery, type UseInfiniteQueryResult } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, body, type Page, pages, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { nextCursor } from "../send/texts";

export type Friend = Schemas["Friend"];
export type FriendRequest = Schemas["FriendRequest"];
export type Person = Schemas["Person"];

const PAGE = 200;
/** The most that contract E's list gives at once. */
const MOST_PEOPLE = 1000;
/** Nobody is told of a new request: it is asked for. */
const REQUESTS_EVERY_MS = 15_000;

const friendsQuery = infiniteQueryOptions({
  queryKey: keys.friends,
  ...pages<Friend>((cursor, signal) => body(api.GET("/api/friends", { signal, params: { query: { cursor, limit: PAGE } } }))),
});

const requestsQuery = infiniteQueryOptions({
  queryKey: keys.friendRequests,
  ...pages<FriendRequest>((cursor, signal) => body(api.GET("/api/friend-requests", { signal, params: { query: { cursor, limit: PAGE } } }))),
  refetchInterval: REQUESTS_EVERY_MS,
});

const blocksQuery = infiniteQueryOptions({
  queryKey: keys.blocks,
  ...pages<Friend>((cursor, signal) => body(api.GET("/api/blocks", { signal, params: { query: { cursor, limit: PAGE } } }))),
});

/** Contract E's list is a bare array, whose next page stands in a header. */
const everybodyQuery = infiniteQueryOptions({
  queryKey: keys.users,
  ...pages<Person>(async (cursor, signal): Promise<Page<Person>> => {
    const { data, response } = await api.GET("/api/users", { signal, params: { query: { cursor, limit: MOST_PEOPLE } } });
    return { data: data ?? [], next_cursor: nextCursor(response.headers.get("link")) };
  }),
});

export interface Everyone<T> {
  all: readonly T[];
  isPending: boolean;
  error: Error | null;
  isRetrying: boolean;
  retry: () => void;
}

function useEveryPage<T>(list: UseInfiniteQueryResult<InfiniteData<Page<T>>>): Everyone<T> {
  const { data, error, isPending, isFetching, isRefetching, hasNextPage, isFetchNextPageError, fetchNextPage, refetch } = list;
  const isMore = hasNextPage && !isFetching && !isFetchNextPageError;
  useEffect(() => {
    if (isMore) void fetchNextPage();
  }, [isMore, fetchNextPage]);
  return {
    all: data?.pages.flatMap((page) => page.data) ?? [],
    isPending,
    // What is there is shown, even if it could not be read anew.
    error: data ? null : error,
    isRetrying: isRefetching,
    retry: () => void refetch(),
  };
}

export const useFriends = () => useEveryPage<Friend>(useInfiniteQuery(friendsQuery));
export const useRequests = () => useEveryPage<FriendRequest>(useInfiniteQuery(requestsQuery));
export const useBlocks = () => useEveryPage<Friend>(useInfiniteQuery(blocksQuery));
/** Everybody of the workspace. */
export const useEverybody = (isEnabled = true) => useEveryPage<Person>(useInfiniteQuery({ ...everybodyQuery, enabled: isEnabled }));
