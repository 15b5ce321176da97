/** The list of conversations as the server has it, by what the address asks for. */
import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, body, pages } from "../../../api/client";
import { keys } from "../../../api/keys";
import type { Conversation } from "../names";
import type { InboxSearch } from "../search";

const PAGE = 50;

export function conversationsQuery(search: InboxSearch) {
  return infiniteQueryOptions({
    queryKey: keys.conversationList(search),
    ...pages<Conversation>((cursor, signal) =>
      body(api.GET("/api/conversations", { signal, params: { query: { ...search, cursor, limit: PAGE } } })),
    ),
  });
}

/** Each conversation once: one that moved up while pages were read may be on two of them. */
export function uniqueById<T extends { id: number }>(items: readonly T[]): T[] {
  const seen = new Set<number>();
  return items.filter(({ id }) => !seen.has(id) && seen.add(id));
}

/** How many of the address' filters are set, the search aside. */
export function countFilters({ q: _q, ...filters }: InboxSearch): number {
  return Object.values(filters).filter((value) => value !== undefined).length;
}
