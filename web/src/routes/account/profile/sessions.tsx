/** Where one is signed in, and the way out of each. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Monitor, Smartphone } from "lucide-react";
import { useState } from "react";
import { api, body, done, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { explain } from "../../../api/problem";
import { Badge } from "../../../parts/badge";
import { Button } from "../../../parts/button";
import { ConfirmDialog } from "../../../parts/dialog";
import { Section } from "../../../parts/page";
import { SkeletonRows } from "../../../parts/skeleton";
import { ErrorState } from "../../../parts/states";
import { Time } from "../../../parts/time";
import { toast, toastFailure } from "../../../parts/toasts";
import { clientName } from "./client-name";

type SessionEntry = Schemas["SessionEntry"];

export function Sessions() {
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const sessions = useQuery({
    queryKey: keys.sessions,
    queryFn: ({ signal }) => body(api.GET("/api/auth/sessions", { signal })),
  });
  const endOthers = useMutation({
    mutationFn: () => done(api.DELETE("/api/auth/sessions")),
    onSuccess: async () => {
      setAsking(false);
      toast("Every other session has ended");
      await client.invalidateQueries({ queryKey: keys.sessions });
    },
  });
  const entries = sessions.data?.data ?? [];
  const hasOthers = entries.some((entry) => !entry.is_current);
  return (
    <Section
      title="Where you are signed in"
      actions={
        hasOthers && (
          <Button size="small" onClick={() => setAsking(true)}>
            End all others
          </Button>
        )
      }
    >
      {sessions.isPending && <SkeletonRows count={2} />}
      {sessions.isError && (
        <ErrorState title="Your sessions could not be loaded" error={sessions.error} onRetry={() => void sessions.refetch()} isRetrying={sessions.isRefetching} />
      )}
      {sessions.isSuccess && (
        <ul className="flex flex-col divide-y">
          {entries.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </ul>
      )}
      <ConfirmDialog
        title="End all other sessions?"
        description="Whoever uses your account anywhere else is signed out at once. You stay signed in here."
        action="End them"
        isOpen={isAsking}
        isBusy={endOthers.isPending}
        error={endOthers.error ? explain(endOthers.error) : undefined}
        onConfirm={() => endOthers.mutate()}
        onClose={() => {
          setAsking(false);
          endOthers.reset();
        }}
      />
    </Section>
  );
}

function Entry({ entry }: { entry: SessionEntry }) {
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => done(api.DELETE("/api/auth/sessions/{id}", { params: { path: { id: entry.id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.sessions }),
    onError: (error) => toastFailure("That session goes on", error),
  });
  const { label, isPhone } = clientName(entry.client);
  const Icon = isPhone ? Smartphone : Monitor;
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 py-3">
      <Icon aria-hidden="true" className="size-5 shrink-0 text-ink-muted" />
      <div className="min-w-0 flex-1 basis-48">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          <bdi className="min-w-0 break-words" title={entry.client}>
            {label}
          </bdi>
          {entry.is_current && <Badge tone="accent">This one</Badge>}
        </p>
        <p className="text-[0.8125rem] text-ink-muted">
          Used <Time at={entry.seen_at} form="relative" />, since <Time at={entry.created_at} form="list" />, ends <Time at={entry.ends_at} form="list" />
        </p>
      </div>
      {!entry.is_current && (
        <Button size="small" isBusy={end.isPending} aria-label={`End the session of ${label}`} onClick={() => end.mutate()}>
          End
        </Button>
      )}
    </li>
  );
}
