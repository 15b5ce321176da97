/** Keys for programs: made, shown once, and revoked. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { api, body, done, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { explain } from "../../api/problem";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { useNow } from "../../parts/clock";
import { ConfirmDialog } from "../../parts/dialog";
import { PageBody, PageHeader } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { toast } from "../../parts/toasts";
import { NewKey } from "./keys/new-key";
import { standingOf } from "./keys/standing";
import { WholeList } from "./shared/paged-list";

type Key = Schemas["Key"];

export function KeysPage() {
  const query = useQuery({
    queryKey: keys.apiKeys,
    queryFn: ({ signal }) => body(api.GET("/api/keys", { signal })).then((list) => list.data),
  });
  const [isMaking, setMaking] = useState(false);
  const [doomed, setDoomed] = useState<Key>();
  const make = (
    <Button tone="accent" icon={Plus} onClick={() => setMaking(true)}>
      Make a key
    </Button>
  );
  return (
    <PageBody>
      <PageHeader title="API keys" description="By a key a program may do what its scopes say, in this workspace." actions={make} />
      <WholeList
        query={query}
        failure="The keys could not be loaded"
        empty={
          <EmptyState icon={KeyRound} title="No keys yet" action={make}>
            Programs that send or read messages each want one of their own.
          </EmptyState>
        }
      >
        {(rows) => <Keys rows={rows} onRevoke={setDoomed} />}
      </WholeList>
      <NewKey isOpen={isMaking} onClose={() => setMaking(false)} />
      <Revoke doomed={doomed} onClose={() => setDoomed(undefined)} />
    </PageBody>
  );
}

function Keys({ rows, onRevoke }: { rows: Key[]; onRevoke: (key: Key) => void }) {
  const now = useNow();
  return (
    <Table
      caption="API keys"
      rows={rows}
      keyOf={(key) => key.id}
      rowClassName={(key) => (standingOf(key, now).isGood ? undefined : "text-ink-muted")}
      columns={[
        { key: "name", header: "Name", cell: (key) => <bdi className="font-medium">{key.name}</bdi> },
        {
          key: "scopes",
          header: "May",
          cell: (key) => (
            <span className="flex flex-wrap gap-1 max-sm:justify-end">
              {key.scopes.map((scope) => (
                <Badge key={scope} tone={scope === "admin" ? "warn" : "plain"}>
                  {scope}
                </Badge>
              ))}
            </span>
          ),
        },
        { key: "made", header: "Made", cell: (key) => <Time at={key.created_at} form="list" /> },
        { key: "used", header: "Last used", cell: (key) => (key.last_used_at ? <Time at={key.last_used_at} form="relative" /> : "Never") },
        { key: "state", header: "State", cell: (key) => <Standing value={key} now={now} /> },
        {
          key: "do",
          header: "Actions",
          isHeaderHidden: true,
          align: "end",
          cell: (key) =>
            standingOf(key, now).isGood && (
              <Button size="small" aria-label={`Revoke ${key.name}`} onClick={() => onRevoke(key)}>
                Revoke
              </Button>
            ),
        },
      ]}
    />
  );
}

function Standing({ value, now }: { value: Key; now: number }) {
  const { isGood, label, at } = standingOf(value, now);
  return (
    <span className="inline-flex flex-wrap items-center gap-1.5">
      <Badge tone={isGood ? "ok" : "plain"}>{label}</Badge>
      {at && (
        <span className="text-xs text-ink-muted">
          {isGood ? "until " : ""}
          <Time at={at} form="short" />
        </span>
      )}
    </span>
  );
}

function Revoke({ doomed, onClose }: { doomed: Key | undefined; onClose: () => void }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: (id: number) => done(api.DELETE("/api/keys/{id}", { params: { path: { id } } })),
    onSuccess: () => {
      onClose();
      toast("The key is revoked");
      return client.invalidateQueries({ queryKey: keys.apiKeys });
    },
  });
  const close = () => {
    revoke.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      title={`Revoke ${doomed?.name ?? "this key"}?`}
      description="Whatever uses it is refused from now on. It cannot be taken back."
      action="Revoke"
      isOpen={doomed !== undefined}
      isBusy={revoke.isPending}
      error={revoke.error ? explain(revoke.error) : undefined}
      onClose={close}
      onConfirm={() => doomed && revoke.mutate(doomed.id)}
    />
  );
}
