/** What an endpoint was told, each with every attempt. */
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Inbox } from "lucide-react";
import { api, body, pages, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Badge, type Tone } from "../../../parts/badge";
import { Button } from "../../../parts/button";
import { Link } from "../../../parts/link";
import { EmptyState } from "../../../parts/states";
import { formatDuration, Time } from "../../../parts/time";
import { toastFailure } from "../../../parts/toasts";
import { PagedList } from "../shared/paged-list";

type Delivery = Schemas["WebhookDelivery"];
type Attempt = Schemas["WebhookAttempt"];

const EVERY_MS = 3_000;

const STATES: Record<Delivery["state"], { label: string; tone: Tone }> = {
  waiting: { label: "On its way", tone: "accent" },
  succeeded: { label: "Told", tone: "ok" },
  failed: { label: "Given up", tone: "danger" },
};

export function Deliveries({ endpoint }: { endpoint: Schemas["WebhookEndpoint"] }) {
  const { id } = endpoint;
  const query = useInfiniteQuery({
    queryKey: keys.deliveries(id),
    ...pages((cursor, signal) => body(api.GET("/api/webhook-endpoints/{id}/deliveries", { signal, params: { path: { id }, query: { cursor, limit: 25 } } }))),
    // Long lists are read anew only when somebody asks.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= 1 ? EVERY_MS : false),
  });
  return (
    <PagedList query={query} failure="The deliveries could not be loaded" empty={<EmptyState icon={Inbox} title="It was told nothing yet">Send it a ping to see whether it hears.</EmptyState>}>
      {(rows) => (
        <ul className="flex flex-col divide-y border-t">
          {rows.map((delivery) => (
            <li key={delivery.id}>
              <DeliveryRow endpointId={id} delivery={delivery} canReplay={endpoint.enabled && delivery.state !== "waiting"} />
            </li>
          ))}
        </ul>
      )}
    </PagedList>
  );
}

function DeliveryRow({ endpointId, delivery, canReplay }: { endpointId: number; delivery: Delivery; canReplay: boolean }) {
  const state = STATES[delivery.state];
  return (
    <details className="group">
      <summary className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 hover:bg-hover sm:px-5">
        <Badge tone={state.tone}>{state.label}</Badge>
        <span className="min-w-0 flex-1 font-medium break-all">{delivery.type}</span>
        <span className="text-xs text-ink-muted">
          {delivery.attempts.length} {delivery.attempts.length === 1 ? "attempt" : "attempts"}
        </span>
        <Time at={delivery.timestamp} form="short" className="text-xs text-ink-muted" />
      </summary>
      <div className="flex flex-col gap-2 bg-canvas px-4 py-3 sm:px-5">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-1.5 text-[0.8125rem]">
          <code className="font-mono text-xs break-all text-ink-muted">{delivery.webhook_id}</code>
          {delivery.conversation_id && (
            <Link to="/inbox/$conversationId" params={{ conversationId: String(delivery.conversation_id) }}>
              Conversation {delivery.conversation_id}
            </Link>
          )}
          {delivery.next_attempt_at && (
            <span className="text-ink-muted">
              Tried next <Time at={delivery.next_attempt_at} form="relative" />
            </span>
          )}
          <Replay endpointId={endpointId} delivery={delivery} isOff={!canReplay} />
        </div>
        {delivery.attempts.length === 0 ? (
          <p className="text-[0.8125rem] text-ink-muted">Not tried yet.</p>
        ) : (
          <ol className="flex flex-col divide-y rounded-md border bg-surface">
            {delivery.attempts.map((attempt) => (
              <AttemptRow key={attempt.number} attempt={attempt} />
            ))}
          </ol>
        )}
      </div>
    </details>
  );
}

function AttemptRow({ attempt }: { attempt: Attempt }) {
  return (
    <li className="flex flex-col gap-1 px-3 py-2 text-[0.8125rem]">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-0.5">
        <span className="text-ink-muted tabular-nums">{attempt.number}.</span>
        <span className="font-medium">{outcomeOf(attempt)}</span>
        {attempt.status_code !== undefined && attempt.status_code !== null && <span className="tabular-nums">HTTP {attempt.status_code}</span>}
        {attempt.duration_ms !== undefined && attempt.duration_ms !== null && <span className="text-ink-muted">in {formatDuration(attempt.duration_ms)}</span>}
        <Time at={attempt.at} form="exact" className="text-ink-muted" />
      </p>
      {attempt.answer && (
        <p dir="auto" className="font-mono text-xs break-words whitespace-pre-wrap text-ink-muted">
          {attempt.answer}
        </p>
      )}
    </li>
  );
}

function outcomeOf({ outcome }: Pick<Attempt, "outcome">): string {
  if (!outcome) return "Under way";
  if (outcome === "succeeded") return "Heard";
  if (outcome === "failed") return "Failed";
  return "Unknown: the server stopped meanwhile";
}

function Replay({ endpointId, delivery, isOff }: { endpointId: number; delivery: Delivery; isOff: boolean }) {
  const client = useQueryClient();
  const again = useMutation({
    mutationFn: () => body(api.POST("/api/webhook-endpoints/{id}/deliveries/{did}/replay", { params: { path: { id: endpointId, did: delivery.id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.deliveries(endpointId) }),
    onError: (error) => toastFailure("It could not be told again", error),
  });
  return (
    <Button size="small" className="ms-auto" aria-label={`Tell it again: ${delivery.webhook_id}`} isBusy={again.isPending} disabled={isOff} onClick={() => again.mutate()}>
      Tell it again
    </Button>
  );
}
