/** Who did what to the conversation, the newest first. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { explain } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { SkeletonRows } from "../../../parts/skeleton";
import { Time } from "../../../parts/time";
import { useSession } from "../../../state/session";
import { nameOfActor, usernameOf } from "../names";
import { deedOf } from "../thread/activity";

const PAGE = 200;
/** More than this nobody reads beside a thread. */
const MOST_PAGES = 5;
const FIRST = 8;

async function fetchActivity(id: number, signal: AbortSignal): Promise<Schemas["Activity"][]> {
  const all: Schemas["Activity"][] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await body(api.GET("/api/conversations/{id}/activity", { signal, params: { path: { id }, query: { limit: PAGE, cursor } } }));
    all.push(...answer.data);
    if (!answer.next_cursor) break;
    cursor = answer.next_cursor;
  }
  return all.toReversed();
}

export function History({ conversationId }: { conversationId: number }) {
  const me = usernameOf(useSession());
  const [isWhole, setWhole] = useState(false);
  const query = useQuery({ queryKey: [...keys.activity(conversationId), "newest"], queryFn: ({ signal }) => fetchActivity(conversationId, signal) });
  if (query.isPending) return <SkeletonRows count={2} />;
  if (query.isError) {
    return (
      <div role="alert" className="text-[0.8125rem] text-danger">
        <p>{explain(query.error)}</p>
        <Button size="small" className="mt-2" isBusy={query.isFetching} onClick={() => void query.refetch()}>
          Try again
        </Button>
      </div>
    );
  }
  if (query.data.length === 0) return <p className="text-[0.8125rem] text-ink-muted">Nothing was done yet. Assigning, snoozing, closing, labels and notes stand here.</p>;
  const shown = isWhole ? query.data : query.data.slice(0, FIRST);
  return (
    <>
      <ol className="flex flex-col gap-2">
        {shown.map((activity) => (
          <li key={activity.id} className="text-[0.8125rem]">
            <p className="break-words">
              <bdi className="font-medium">{nameOfActor(activity.actor, me)}</bdi> {deedOf(activity, me)}
            </p>
            <Time at={activity.at} form="short" className="text-xs text-ink-muted" />
          </li>
        ))}
      </ol>
      {shown.length < query.data.length && (
        <Button tone="quiet" size="small" className="mt-2" onClick={() => setWhole(true)}>
          Show all {query.data.length}
        </Button>
      )}
    </>
  );
}
