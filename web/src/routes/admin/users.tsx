/** The workspace's members and their roles, and who is invited. */
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { UserPlus, Users } from "lucide-react";
import { useState } from "react";
import { api, body, done, pages, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { explain } from "../../api/problem";
import { Avatar } from "../../parts/avatar";
import { Button } from "../../parts/button";
import { ConfirmDialog } from "../../parts/dialog";
import { Select } from "../../parts/field";
import { PageBody, PageHeader, Section } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { toast, toastFailure } from "../../parts/toasts";
import { useSession } from "../../state/session";
import { PagedList } from "./shared/paged-list";
import { Invitations } from "./users/invitations";
import { Invite } from "./users/invite";
import { ROLES, roleNamed } from "./users/roles";

type Member = Schemas["Member"];

export function UsersPage() {
  const query = useInfiniteQuery({
    queryKey: keys.members,
    ...pages((cursor, signal) => body(api.GET("/api/members", { signal, params: { query: { cursor, limit: 50 } } }))),
  });
  const [isInviting, setInviting] = useState(false);
  const [leaving, setLeaving] = useState<Member>();
  return (
    <PageBody>
      <PageHeader
        title="Users"
        description="Members chat with each other. Agents also answer for the workspace's numbers and mailboxes. Admins decide everything."
        actions={
          <Button tone="accent" icon={UserPlus} onClick={() => setInviting(true)}>
            Invite somebody
          </Button>
        }
      />
      <Section title="Members">
        <PagedList query={query} failure="The members could not be loaded" empty={<EmptyState icon={Users} title="Nobody is a member yet" />}>
          {(rows) => <Members rows={rows} onRemove={setLeaving} />}
        </PagedList>
      </Section>
      <Section title="Invitations" description="Each is good for 7 days, and once.">
        <Invitations />
      </Section>
      <Invite isOpen={isInviting} onClose={() => setInviting(false)} />
      <Remove leaving={leaving} onClose={() => setLeaving(undefined)} />
    </PageBody>
  );
}

function Members({ rows, onRemove }: { rows: Member[]; onRemove: (member: Member) => void }) {
  const session = useSession();
  const own = session.kind === "user" ? session.user.username : undefined;
  return (
    <Table
      caption="Members"
      rows={rows}
      keyOf={(member) => member.id}
      columns={[
        {
          key: "who",
          header: "Who",
          cell: (member) => (
            <span className="flex items-center gap-2.5">
              <Avatar name={fullName(member) || member.user_name} size="small" />
              <span className="min-w-0 text-start">
                <bdi className="block font-medium break-words">{fullName(member) || member.user_name}</bdi>
                <bdi className="block text-xs text-ink-muted">
                  {member.user_name}
                  {member.user_name === own && " (you)"}
                </bdi>
              </span>
            </span>
          ),
        },
        { key: "since", header: "Since", cell: (member) => <Time at={member.joined_at} form="list" /> },
        { key: "role", header: "Role", cell: (member) => <RoleOf member={member} /> },
        {
          key: "do",
          header: "Actions",
          isHeaderHidden: true,
          align: "end",
          cell: (member) => (
            <Button size="small" aria-label={`Remove ${member.user_name}`} onClick={() => onRemove(member)}>
              Remove
            </Button>
          ),
        },
      ]}
    />
  );
}

function fullName({ first_name, last_name }: Member): string {
  return `${first_name} ${last_name}`.trim();
}

function RoleOf({ member }: { member: Member }) {
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (role: Schemas["Role"]) => body(api.PATCH("/api/members/{user_name}", { params: { path: { user_name: member.user_name } }, body: { role } })),
    onSuccess: (now) => {
      toast(`${now.user_name} is ${now.role === "member" ? "a" : "an"} ${now.role} now`);
      // One's own role may be what was changed.
      void client.invalidateQueries({ queryKey: keys.session });
    },
    onError: (error) => toastFailure(`The role of ${member.user_name} stays as it was`, error),
    onSettled: () => client.invalidateQueries({ queryKey: keys.members }),
  });
  return (
    <Select
      label={`Role of ${member.user_name}`}
      isLabelHidden
      className="w-32"
      options={ROLES}
      value={change.isPending ? change.variables : member.role}
      onChange={(event) => {
        const role = roleNamed(event.target.value);
        if (role) change.mutate(role);
      }}
    />
  );
}

function Remove({ leaving, onClose }: { leaving: Member | undefined; onClose: () => void }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (user_name: string) => done(api.DELETE("/api/members/{user_name}", { params: { path: { user_name } } })),
    onSuccess: (_, user_name) => {
      onClose();
      toast(`${user_name} is no member any more`);
      return client.invalidateQueries({ queryKey: keys.members });
    },
  });
  return (
    <ConfirmDialog
      title={`Remove ${leaving?.user_name ?? "this member"}?`}
      description="They see nothing of this workspace from now on. Their account stays, and what they answered goes to nobody in particular."
      action="Remove"
      isOpen={leaving !== undefined}
      isBusy={remove.isPending}
      error={remove.error ? explain(remove.error) : undefined}
      onClose={() => {
        remove.reset();
        onClose();
      }}
      onConfirm={() => leaving && remove.mutate(leaving.user_name)}
    />
  );
}
