/** Acting in another workspace, for those who have a seat in several, and what they did not send there. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useAtomValue } from "jotai";
import { api, body, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Badge } from "../../../parts/badge";
import { Button } from "../../../parts/button";
import { Section } from "../../../parts/page";
import { toastFailure } from "../../../parts/toasts";
import { unsentAtom } from "../../../state/outgoing";
import { identityOf, type Session } from "../../../state/session";
import { changeTurn } from "../../../state/turn";
import { Unsent } from "./unsent";

type Seat = Schemas["Seat"];

export function Workspaces({ session }: { session: Extract<Session, { kind: "user" }> }) {
  const seats = useQuery({ queryKey: keys.workspaces, queryFn: ({ signal }) => body(api.GET("/api/auth/workspaces", { signal })) }).data?.data;
  const { elsewhere } = useAtomValue(unsentAtom)(identityOf(session));
  const move = useMutation({
    mutationFn: ({ workspace_id }: Seat) => changeTurn(() => body(api.POST("/api/auth/switch-workspace", { body: { workspace_id } }))),
    // A page of its own: nothing of the last one stays in memory.
    onSuccess: () => location.assign("/inbox"),
    onError: (error) => toastFailure("You stay where you are", error),
  });
  if (!seats) return null;
  const ownerIn = ({ workspace_id }: Seat) => identityOf({ ...session, workspace: workspace_id });
  const homeless = elsewhere.filter((entry) => !seats.some((seat) => ownerIn(seat) === entry.owner));
  if (seats.length < 2 && homeless.length === 0) return null;
  return (
    <Section title="Workspaces" description="Those in which you have a seat. What is not sent yet waits in its workspace until you are back.">
      <ul className="flex flex-col divide-y">
        {seats.map((seat) => (
          <li key={seat.workspace_id} className="flex flex-wrap items-center gap-x-3 gap-y-2 py-2.5">
            <span className="min-w-0 flex-1 break-words">
              <bdi className="font-medium">{seat.name}</bdi> <span className="text-ink-muted">{seat.role}</span>
            </span>
            {seat.is_current ? (
              <Badge tone="accent">You act here</Badge>
            ) : (
              <Button
                size="small"
                aria-label={`Switch to ${seat.name}`}
                isBusy={move.isPending && move.variables.workspace_id === seat.workspace_id}
                disabled={move.isPending}
                onClick={() => move.mutate(seat)}
              >
                Switch
              </Button>
            )}
            <Unsent entries={elsewhere.filter((entry) => entry.owner === ownerIn(seat))} discard={`Discard what is not sent in ${seat.name}`} />
          </li>
        ))}
        {homeless.length > 0 && (
          <li className="flex flex-wrap items-center gap-x-3 gap-y-2 py-2.5">
            <span className="text-ink-muted">In no workspace of yours: this can only be discarded.</span>
            <Unsent entries={homeless} discard="Discard what is in no workspace of yours" />
          </li>
        )}
      </ul>
    </Section>
  );
}
