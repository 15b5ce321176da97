/** Acting in another workspace, for those who may know which there are. */
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { useAtomValue } from "jotai";
import { api, body, pages } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Badge } from "../../../parts/badge";
import { Button } from "../../../parts/button";
import { LoadMore } from "../../../parts/load-more";
import { Section } from "../../../parts/page";
import { toast, toastFailure } from "../../../parts/toasts";
import { allOutgoingAtom } from "../../../state/outgoing";
import { parkTurn } from "../../../state/turn";
import { useGoOn } from "../signed-in";

export function Workspaces() {
  const unsent = useAtomValue(allOutgoingAtom).length;
  const goOn = useGoOn("/inbox");
  const all = useInfiniteQuery({
    queryKey: keys.workspaces,
    ...pages((cursor, signal) => body(api.GET("/api/workspaces", { signal, params: { query: { cursor, limit: 50 } } }))),
    retry: false,
  });
  const here = useQuery({ queryKey: keys.settings, queryFn: ({ signal }) => body(api.GET("/api/settings", { signal })), retry: false, enabled: all.isSuccess });
  const move = useMutation({
    mutationFn: (workspace: { id: number; name: string }) => {
      parkTurn();
      return body(api.POST("/api/auth/switch-workspace", { body: { workspace_id: workspace.id } }));
    },
    onSuccess: async (_, workspace) => {
      await goOn();
      toast(`You act in ${workspace.name} now${unsent === 0 ? "" : "; what is not sent waits until you are back"}`);
    },
    onError: (error) => toastFailure("You stay where you are", error),
  });
  const workspaces = all.data?.pages.flatMap((page) => page.data) ?? [];
  if (workspaces.length < 2) return null;
  return (
    <Section title="Workspaces" description="All of this server's, since you may administer it. You can act in those in which you have a seat.">
      <ul className="flex flex-col divide-y">
        {workspaces.map((workspace) => (
          <li key={workspace.id} className="flex flex-wrap items-center gap-x-3 gap-y-2 py-2.5">
            <bdi className="min-w-0 flex-1 font-medium break-words">{workspace.name}</bdi>
            {workspace.id === here.data?.id ? (
              <Badge tone="accent">You act here</Badge>
            ) : (
              <Button
                size="small"
                aria-label={`Switch to ${workspace.name}`}
                isBusy={move.isPending && move.variables.id === workspace.id}
                disabled={move.isPending}
                onClick={() => move.mutate(workspace)}
              >
                Switch
              </Button>
            )}
          </li>
        ))}
      </ul>
      <LoadMore hasMore={all.hasNextPage} isLoading={all.isFetchingNextPage} hasFailed={all.isFetchNextPageError} onMore={all.fetchNextPage} />
    </Section>
  );
}
