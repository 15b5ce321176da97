/** Who was invited, and what became of it. */
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { MailPlus } from "lucide-react";
import { useState } from "react";
import { api, body, done, pages, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { explain } from "../../../api/problem";
import { Badge, type Tone } from "../../../parts/badge";
import { Button } from "../../../parts/button";
import { ConfirmDialog } from "../../../parts/dialog";
import { EmptyState } from "../../../parts/states";
import { Table } from "../../../parts/table";
import { Time } from "../../../parts/time";
import { toast } from "../../../parts/toasts";
import { PagedList } from "../shared/paged-list";

type Invitation = Schemas["Invitation"];

const STATES: Record<Invitation["state"], { label: string; tone: Tone }> = {
  pending: { label: "Waiting", tone: "accent" },
  accepted: { label: "Accepted", tone: "ok" },
  revoked: { label: "Taken back", tone: "plain" },
  expired: { label: "Over", tone: "plain" },
};

export function Invitations() {
  const client = useQueryClient();
  const query = useInfiniteQuery({
    queryKey: keys.invitations,
    ...pages((cursor, signal) => body(api.GET("/api/invitations", { signal, params: { query: { cursor, limit: 50 } } }))),
  });
  const [doomed, setDoomed] = useState<Invitation>();
  const revoke = useMutation({
    mutationFn: (id: number) => done(api.DELETE("/api/invitations/{id}", { params: { path: { id } } })),
    onSuccess: () => {
      setDoomed(undefined);
      toast("The invitation is taken back");
      return client.invalidateQueries({ queryKey: keys.invitations });
    },
  });
  return (
    <>
      <PagedList
        query={query}
        failure="The invitations could not be loaded"
        skeletonRows={2}
        empty={
          <EmptyState icon={MailPlus} title="Nobody is invited">
            Invite somebody by mail or by SMS.
          </EmptyState>
        }
      >
        {(rows) => (
          <Table
            caption="Invitations"
            rows={rows}
            keyOf={(row) => row.id}
            columns={[
              { key: "to", header: "To", cell: (row) => <bdi className="break-all">{row.to}</bdi> },
              { key: "role", header: "As", cell: (row) => row.role },
              { key: "state", header: "State", cell: (row) => <Badge tone={STATES[row.state].tone}>{STATES[row.state].label}</Badge> },
              { key: "until", header: "Good until", cell: (row) => <Time at={row.expires_at} form="short" /> },
              {
                key: "do",
                header: "Actions",
                isHeaderHidden: true,
                align: "end",
                cell: (row) =>
                  row.state === "pending" && (
                    <Button size="small" aria-label={`Take back the invitation of ${row.to}`} onClick={() => setDoomed(row)}>
                      Take back
                    </Button>
                  ),
              },
            ]}
          />
        )}
      </PagedList>
      <ConfirmDialog
        title="Take this invitation back?"
        description={doomed && `Nobody can join by the link that went to ${doomed.to} any more.`}
        action="Take back"
        isOpen={doomed !== undefined}
        isBusy={revoke.isPending}
        error={revoke.error ? explain(revoke.error) : undefined}
        onClose={() => {
          revoke.reset();
          setDoomed(undefined);
        }}
        onConfirm={() => doomed && revoke.mutate(doomed.id)}
      />
    </>
  );
}
