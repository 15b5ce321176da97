/** What a thread is made of: its messages, what was done to the conversation, what is on its way. */
import { queryOptions, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useAtomValue } from "jotai";
import { useEffect, useMemo } from "react";
import { api, body } from "../../../api/client";
import { keys } from "../../../api/keys";
import { threadQuery, trimThread } from "../../../api/thread";
import { outgoingAtom, shownOutgoing } from "../../../state/outgoing";
import { isAgent, useSession } from "../../../state/session";
import type { Conversation } from "../names";
import { type Activity, buildRows } from "./rows";

const PAGE = 200;
const MOST_PAGES = 25;
const NONE: readonly Activity[] = [];

/** All that was done to a conversation, the oldest first. The server tells it oldest first, and a thread begins at its end. */
function activityQuery(id: number) {
  return queryOptions({
    queryKey: [...keys.activity(id), "all"],
    queryFn: async ({ signal }) => {
      const found: Activity[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const answer = await body(api.GET("/api/conversations/{id}/activity", { signal, params: { path: { id }, query: { cursor, limit: PAGE } } }));
        found.push(...answer.data);
        cursor = answer.next_cursor ?? undefined;
        if (cursor === undefined) break;
      }
      return found;
    },
  });
}

export function useThread({ id, kind }: Pick<Conversation, "id" | "kind">) {
  const client = useQueryClient();
  const isTeam = isAgent(useSession());
  const query = useInfiniteQuery(threadQuery(id));
  const activities = useQuery({ ...activityQuery(id), enabled: kind === "numbers" && isTeam }).data ?? NONE;
  const pending = useAtomValue(outgoingAtom(id));
  useEffect(() => () => trimThread(client, id), [client, id]);

  const thread = query.data;
  const hasMore = query.hasNextPage;
  const newest = thread?.pages[0]?.data;
  const outgoing = useMemo(() => shownOutgoing(pending, newest ?? []), [pending, newest]);
  const rows = useMemo(() => buildRows({ thread, activities, outgoing, hasMore }), [thread, activities, outgoing, hasMore]);
  return { query, thread, rows };
}
