/** The providers: how each fares, and holding one back. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pause, Play, PlugZap } from "lucide-react";
import { useState } from "react";
import { api, body, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { explain } from "../../api/problem";
import { Badge, type Tone } from "../../parts/badge";
import { Button } from "../../parts/button";
import { ChannelMark } from "../../parts/channel-mark";
import { ConfirmDialog } from "../../parts/dialog";
import { PageBody, PageHeader } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { Time } from "../../parts/time";
import { toastFailure } from "../../parts/toasts";
import { Outcomes } from "./providers/outcomes";
import { WholeList } from "./shared/paged-list";

type Provider = Schemas["Provider"];

const EVERY_MS = 2_000;
const ABOUT = "Who carries messages for this server. They serve every workspace; the counts are those of the server that answers.";

const STATES: Record<Provider["state"], { label: string; tone: Tone; sentence: string }> = {
  ready: { label: "Ready", tone: "ok", sentence: "Messages are handed to it." },
  paused: { label: "Paused", tone: "warn", sentence: "It is held back until somebody lets it go on." },
  open: { label: "Away", tone: "danger", sentence: "Its breaker is open: a message now and then is tried, to see whether it is back." },
};

export function ProvidersPage() {
  const query = useQuery({
    queryKey: keys.providers,
    queryFn: ({ signal }) => body(api.GET("/api/providers", { signal })).then((list) => list.data),
    refetchInterval: EVERY_MS,
  });
  return (
    <PageBody>
      <PageHeader title="Providers" description={ABOUT} />
      <WholeList
        query={query}
        failure="The providers could not be loaded"
        empty={
          <EmptyState icon={PlugZap} title="No provider is configured">
            Texts and mails wait until the configuration names one that can carry them.
          </EmptyState>
        }
      >
        {(rows) => (
          <ul className="flex flex-col gap-4">
            {rows.map((provider) => (
              <li key={provider.name}>
                <ProviderCard provider={provider} />
              </li>
            ))}
          </ul>
        )}
      </WholeList>
    </PageBody>
  );
}

function ProviderCard({ provider }: { provider: Provider }) {
  const state = STATES[provider.state];
  const due = provider.queue.reduce((sum, lane) => sum + lane.due, 0);
  const later = provider.queue.reduce((sum, lane) => sum + lane.later, 0);
  return (
    <section aria-label={provider.name} className="flex flex-col gap-4 rounded-xl border bg-surface p-4 shadow-raised sm:p-5">
      <header className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="min-w-0">
          <div className="flex flex-wrap items-center gap-2">
            <h2 className="text-[0.9375rem] font-semibold break-all">{provider.name}</h2>
            <Badge tone={state.tone}>{state.label}</Badge>
            {provider.channels.map((channel) => (
              <ChannelMark key={channel} channel={channel} hasLabel />
            ))}
          </div>
          <p className="mt-0.5 text-[0.8125rem] text-ink-muted">
            {state.sentence}{" "}
            {provider.paused_at && (
              <>
                Since <Time at={provider.paused_at} form="short" />
                {provider.paused_by && <>, by {provider.paused_by}</>}.
              </>
            )}
            {provider.breaker.opened_at && (
              <>
                Since <Time at={provider.breaker.opened_at} form="short" />.
              </>
            )}
          </p>
        </div>
        <PauseOrResume provider={provider} />
      </header>
      <dl className="grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-4">
        <Figure name="Waiting now" value={due.toLocaleString()} note={laneNote(provider)} />
        <Figure name="Waiting for later" value={later.toLocaleString()} />
        <Figure name="Under way" value={provider.in_flight.toLocaleString()} note={`at most ${provider.limits.max_in_flight.toLocaleString()}`} />
        <Figure name="Unknown" value={provider.unknown.toLocaleString()} note="being looked up" isWarning={provider.unknown > 0} />
        <Figure name="Adapter" value={provider.kind} />
        <Figure name="Rate" value={`${provider.limits.max_per_second.toLocaleString()} per second`} note="at most" />
        {provider.limits.timeout_ms !== undefined && provider.limits.timeout_ms !== null && <Figure name="Patience" value={`${provider.limits.timeout_ms.toLocaleString()} ms`} note="for one attempt" />}
        <Figure name="Breaker" value={provider.breaker.state === "open" ? "Open" : "Closed"} isWarning={provider.breaker.state === "open"} />
      </dl>
      <Outcomes recent={provider.recent} />
      {provider.last_errors.length > 0 && (
        <details>
          <summary className="w-fit rounded-sm py-1 font-medium">
            Last errors <span className="font-normal text-ink-muted">({provider.last_errors.length})</span>
          </summary>
          <ol className="mt-1 flex flex-col divide-y rounded-md border">
            {provider.last_errors.map((failure) => (
              <li key={`${failure.at} ${failure.reason}`} className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 px-3 py-1.5 text-[0.8125rem]">
                <Time at={failure.at} form="exact" className="text-ink-muted" />
                <span className="font-medium">{failure.outcome}</span>
                <span dir="auto" className="min-w-0 break-words">
                  {failure.reason}
                </span>
              </li>
            ))}
          </ol>
        </details>
      )}
    </section>
  );
}

function laneNote(provider: Provider): string | undefined {
  const lanes = provider.queue.filter((lane) => lane.due > 0).map((lane) => `${lane.due.toLocaleString()} ${lane.lane}`);
  return lanes.length > 0 ? lanes.join(", ") : undefined;
}

function Figure({ name, value, note, isWarning = false }: { name: string; value: string; note?: string | undefined; isWarning?: boolean }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-ink-muted">{name}</dt>
      <dd className={isWarning ? "font-semibold text-warn tabular-nums" : "font-semibold tabular-nums"}>{value}</dd>
      {note !== undefined && <dd className="text-xs text-ink-muted">{note}</dd>}
    </div>
  );
}

function PauseOrResume({ provider }: { provider: Provider }) {
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const path = { params: { path: { name: provider.name } } };
  const settled = (now: Provider) => {
    setAsking(false);
    client.setQueryData<Provider[]>(keys.providers, (rows) => rows?.map((row) => (row.name === now.name ? now : row)));
  };
  const pause = useMutation({ mutationFn: () => body(api.POST("/api/providers/{name}/pause", path)), onSuccess: settled });
  const resume = useMutation({
    mutationFn: () => body(api.POST("/api/providers/{name}/resume", path)),
    onSuccess: settled,
    onError: (error) => toastFailure(`${provider.name} could not go on`, error),
  });
  if (provider.paused_at) {
    return (
      <Button tone="accent" icon={Play} isBusy={resume.isPending} onClick={() => resume.mutate()}>
        Let it go on
      </Button>
    );
  }
  return (
    <>
      <Button icon={Pause} onClick={() => setAsking(true)}>
        Pause
      </Button>
      <ConfirmDialog
        title={`Pause ${provider.name}?`}
        description="Nothing more is handed to it, on any server. What waits goes to the next provider of its route; where there is none, it waits, login codes too."
        action="Pause"
        isOpen={isAsking}
        isBusy={pause.isPending}
        error={pause.error ? explain(pause.error) : undefined}
        onClose={() => setAsking(false)}
        onConfirm={() => pause.mutate()}
      />
    </>
  );
}
