/** One endpoint: how it stands, what can be done with it, and what it was told. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { EllipsisVertical, FlaskConical, History, KeyRound, Pencil, Power, Trash2 } from "lucide-react";
import { useState } from "react";
import { api, body, done, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { explain } from "../../../api/problem";
import { Badge } from "../../../parts/badge";
import { Button, IconButton } from "../../../parts/button";
import { ConfirmDialog, Dialog } from "../../../parts/dialog";
import { Menu, MenuItem, MenuSeparator } from "../../../parts/menu";
import { Time } from "../../../parts/time";
import { toast, toastFailure } from "../../../parts/toasts";
import { ShownOnce } from "../shared/shown-once";
import { ChangeEndpoint } from "./change-endpoint";
import { Deliveries } from "./deliveries";
import { ReplaySpan } from "./replay-span";

type Endpoint = Schemas["WebhookEndpoint"];
type Asked = "change" | "rotate" | "delete" | "replay";

export function EndpointCard({ endpoint }: { endpoint: Endpoint }) {
  const client = useQueryClient();
  const { id } = endpoint;
  const path = { params: { path: { id } } };
  const [asked, setAsked] = useState<Asked>();
  const [isOpen, setOpen] = useState(false);
  const [secret, setSecret] = useState<string>();
  const refresh = () => client.invalidateQueries({ queryKey: keys.webhookEndpoints });
  const close = () => setAsked(undefined);

  const test = useMutation({
    mutationFn: () => body(api.POST("/api/webhook-endpoints/{id}/test", path)),
    onSuccess: () => {
      setOpen(true);
      toast("A ping is on its way");
      return client.invalidateQueries({ queryKey: keys.deliveries(id) });
    },
    onError: (error) => toastFailure("It could not be tried", error),
  });
  const enable = useMutation({
    mutationFn: (enabled: boolean) => body(api.PATCH("/api/webhook-endpoints/{id}", { ...path, body: { enabled } })),
    onSuccess: (now) => {
      toast(now.enabled ? "It is told from now on" : "It is told nothing more");
      return refresh();
    },
    onError: (error) => toastFailure("That could not be changed", error),
  });
  const rotate = useMutation({
    mutationFn: () => body(api.POST("/api/webhook-endpoints/{id}/rotate", path)),
    onSuccess: (made) => {
      close();
      setSecret(made.secret);
      return refresh();
    },
  });
  const remove = useMutation({
    mutationFn: () => done(api.DELETE("/api/webhook-endpoints/{id}", path)),
    onSuccess: () => {
      toast("The endpoint is deleted");
      return refresh();
    },
  });

  return (
    <section aria-label={endpoint.url} className="rounded-xl border bg-surface shadow-raised">
      <header className="flex items-start gap-2 px-4 pt-3 sm:px-5">
        <div className="min-w-0 flex-1 pt-1">
          <div className="flex flex-wrap items-center gap-2">
            <h2 className="text-[0.9375rem] font-semibold break-all">
              <bdi>{endpoint.url}</bdi>
            </h2>
            <Standing endpoint={endpoint} />
          </div>
          <p className="mt-1 flex flex-wrap gap-1">
            {endpoint.events.map((event) => (
              <Badge key={event}>{event}</Badge>
            ))}
          </p>
        </div>
        <Menu trigger={<IconButton icon={EllipsisVertical} label={`What to do with ${endpoint.url}`} />}>
          <MenuItem icon={FlaskConical} isDisabled={!endpoint.enabled} onSelect={() => test.mutate()}>
            Send a ping
          </MenuItem>
          <MenuItem icon={Pencil} onSelect={() => setAsked("change")}>
            Change
          </MenuItem>
          <MenuItem icon={KeyRound} onSelect={() => setAsked("rotate")}>
            Give it another secret
          </MenuItem>
          <MenuItem icon={History} isDisabled={!endpoint.enabled} onSelect={() => setAsked("replay")}>
            Tell a span of time again
          </MenuItem>
          <MenuItem icon={Power} onSelect={() => enable.mutate(!endpoint.enabled)}>
            {endpoint.enabled ? "Disable" : "Enable"}
          </MenuItem>
          <MenuSeparator />
          <MenuItem icon={Trash2} tone="danger" onSelect={() => setAsked("delete")}>
            Delete
          </MenuItem>
        </Menu>
      </header>
      <p className="px-4 pt-1 pb-3 text-[0.8125rem] text-ink-muted sm:px-5">
        Since <Time at={endpoint.created_at} form="short" />.
        {endpoint.failing_since && (
          <span className="text-danger">
            {" "}
            Nothing has reached it since <Time at={endpoint.failing_since} form="short" />.
          </span>
        )}
        {endpoint.previous_secret_until && (
          <>
            {" "}
            Signed with its old secret too until <Time at={endpoint.previous_secret_until} form="short" />.
          </>
        )}
      </p>
      <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)} className="border-t">
        <summary className="px-4 py-2.5 font-medium hover:bg-hover sm:px-5">What it was told</summary>
        {isOpen && <Deliveries endpoint={endpoint} />}
      </details>
      <ChangeEndpoint key={endpoint.updated_at} endpoint={endpoint} isOpen={asked === "change"} onClose={close} />
      <ReplaySpan endpoint={endpoint} isOpen={asked === "replay"} onClose={close} onStarted={() => setOpen(true)} />
      <ConfirmDialog
        title="Give it another secret?"
        description="The new one is shown once. For a day everything is signed with both, so that there is time to change it over there."
        action="Make another"
        tone="accent"
        isOpen={asked === "rotate"}
        isBusy={rotate.isPending}
        error={rotate.error ? explain(rotate.error) : undefined}
        onClose={close}
        onConfirm={() => rotate.mutate()}
      />
      <ConfirmDialog
        title="Delete this endpoint?"
        description={`${endpoint.url} is told nothing more, and what it was told is forgotten here.`}
        action="Delete"
        isOpen={asked === "delete"}
        isBusy={remove.isPending}
        error={remove.error ? explain(remove.error) : undefined}
        onClose={close}
        onConfirm={() => remove.mutate()}
      />
      <Dialog
        title="Its new signing secret"
        isOpen={secret !== undefined}
        onClose={() => setSecret(undefined)}
        footer={
          <Button tone="accent" onClick={() => setSecret(undefined)}>
            I have copied it
          </Button>
        }
      >
        {secret !== undefined && <ShownOnce label="The secret" secret={secret} />}
      </Dialog>
    </section>
  );
}

function Standing({ endpoint }: { endpoint: Endpoint }) {
  if (endpoint.enabled) return endpoint.failing_since ? <Badge tone="warn">Failing</Badge> : <Badge tone="ok">Enabled</Badge>;
  if (endpoint.disabled_reason === "gone") return <Badge tone="danger">Disabled: it answered that it is gone</Badge>;
  if (endpoint.disabled_reason === "failing") return <Badge tone="danger">Disabled: nothing reached it for five days</Badge>;
  return <Badge>Disabled</Badge>;
}
