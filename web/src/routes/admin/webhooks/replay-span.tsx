/** Telling an endpoint of everything that happened in a span of time again, and watching it being told. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Problem } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { Dialog } from "../../../parts/dialog";
import { TextField } from "../../../parts/field";
import { every } from "../shared/every";
import { DialogForm } from "../shared/dialog-form";
import { fromLocalField, toLocalField } from "../shared/local-time";
import { countWaiting, type Span } from "./waiting";

const HOUR_MS = 3_600_000;
const EVERY_MS = 2_000;

export interface ReplaySpanProps {
  endpoint: Schemas["WebhookEndpoint"];
  isOpen: boolean;
  onClose: () => void;
  onStarted: () => void;
}

interface Started {
  span: Span;
  replayed: number;
}

export function ReplaySpan({ endpoint, isOpen, onClose, onStarted }: ReplaySpanProps) {
  const [started, setStarted] = useState<Started>();
  const close = () => {
    setStarted(undefined);
    onClose();
  };
  return (
    <Dialog
      title="Tell a span of time again"
      description="Whatever happened in it is told once more, under the same ids, as things stand now."
      isOpen={isOpen}
      onClose={close}
      footer={started && <Button onClick={close}>Close</Button>}
    >
      {started ? (
        <Watch endpoint={endpoint} {...started} />
      ) : (
        <Form
          endpoint={endpoint}
          onStarted={(started) => {
            setStarted(started);
            onStarted();
          }}
        />
      )}
    </Dialog>
  );
}

function Form({ endpoint, onStarted }: { endpoint: Schemas["WebhookEndpoint"]; onStarted: (started: Started) => void }) {
  const client = useQueryClient();
  const [from, setFrom] = useState(() => toLocalField(new Date(Date.now() - HOUR_MS)));
  const [to, setTo] = useState(() => toLocalField(new Date(Date.now() + 60_000)));
  const start = useMutation({
    mutationFn: (span: Span) => body(api.POST("/api/webhook-endpoints/{id}/replay", { params: { path: { id: endpoint.id } }, body: span })),
    onSuccess: ({ replayed }, span) => {
      onStarted({ span, replayed });
      return client.invalidateQueries({ queryKey: keys.deliveries(endpoint.id) });
    },
  });
  const problem = start.error instanceof Problem ? start.error : undefined;
  const span = { from: fromLocalField(from), to: fromLocalField(to) };
  const submit = () => {
    if (span.from && span.to) start.mutate({ from: span.from, to: span.to });
  };
  return (
    <DialogForm action="Tell it again" error={start.error} isBusy={start.isPending} isDisabled={!span.from || !span.to} onSubmit={submit}>
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField label="From" type="datetime-local" value={from} error={problem?.field("from")} onChange={(event) => setFrom(event.target.value)} />
        <TextField label="Until" type="datetime-local" value={to} error={problem?.field("to")} onChange={(event) => setTo(event.target.value)} />
      </div>
      <p className="text-[0.8125rem] text-ink-muted">In your own time zone. At most 10,000 events at once; what is still on its way is left as it is.</p>
    </DialogForm>
  );
}

function Watch({ endpoint, span, replayed }: { endpoint: Schemas["WebhookEndpoint"] } & Started) {
  const { id } = endpoint;
  const waiting = useQuery({
    queryKey: [...keys.deliveries(id), "waiting", span],
    queryFn: ({ signal }) =>
      countWaiting(
        every((cursor) => body(api.GET("/api/webhook-endpoints/{id}/deliveries", { signal, params: { path: { id }, query: { cursor, limit: 200 } } }))),
        span,
      ),
    refetchInterval: ({ state }) => (state.data?.waiting === 0 ? false : EVERY_MS),
    enabled: replayed > 0,
    staleTime: 0,
  });
  if (replayed === 0) return <p className="pb-2">Nothing is told again: nothing happened in that time that it is told of, or all of it is still on its way.</p>;
  const left = waiting.data?.waiting;
  const told = left === undefined ? 0 : Math.max(0, replayed - left);
  return (
    <div className="flex flex-col gap-2 pb-2">
      <p role="status" className="font-medium tabular-nums">
        {left === 0 && !waiting.data?.isCut ? `All ${replayed.toLocaleString()} events were tried.` : `${told.toLocaleString()} of ${replayed.toLocaleString()} events were tried …`}
      </p>
      <progress aria-label="Events tried" className="h-1.5 w-full" value={told} max={replayed} />
      <p className="text-[0.8125rem] text-ink-muted">It goes on when this is closed. How each one fared stands under What it was told.</p>
    </div>
  );
}
