/** Who is in a group: take somebody in or out, leave, and what the group is called. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useAtomValue } from "jotai";
import { LogOut, UserRoundMinus, UserRoundPlus } from "lucide-react";
import { useState } from "react";
import { type Conversation, membersQuery, personName } from "../../../api/conversations";
import { explain, Problem } from "../../../api/problem";
import { Avatar } from "../../../parts/avatar";
import { Badge } from "../../../parts/badge";
import { Button, IconButton } from "../../../parts/button";
import { ConfirmDialog, Dialog } from "../../../parts/dialog";
import { TextField } from "../../../parts/field";
import { Picker } from "../../../parts/picker";
import { SkeletonRows } from "../../../parts/skeleton";
import { ErrorState, FormError } from "../../../parts/states";
import { toast } from "../../../parts/toasts";
import { presenceAtom } from "../../../state/live";
import { useSession } from "../../../state/session";
import { useEverybody } from "../../people/queries";
import { usernameOf } from "../names";
import { useChange, useMembership } from "./changes";

export function MembersDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const me = usernameOf(useSession());
  const members = useQuery(membersQuery(conversation.id));
  const isGroup = conversation.kind === "group";
  const isOwner = members.data?.data.some((member) => member.user_name === me && member.role === "owner") ?? false;
  const names = members.data?.data.map((member) => member.user_name) ?? [];
  return (
    <Dialog title={isGroup ? "The group" : "In this conversation"} isOpen onClose={onClose} size="medium">
      <div className="flex flex-col gap-4 pb-4">
        {isGroup && isOwner && <Rename conversation={conversation} />}
        {isGroup && me !== undefined && <TakeIn id={conversation.id} members={names} />}
        {members.isPending && <SkeletonRows count={3} />}
        {members.isError && <ErrorState error={members.error} onRetry={() => void members.refetch()} isRetrying={members.isFetching} />}
        {members.data && <List conversation={conversation} members={members.data.data} me={me} isOwner={isOwner} onLeft={onClose} />}
        {isGroup && me === undefined && <p className="text-ink-muted">To change who is in it, sign in as one of them.</p>}
      </div>
    </Dialog>
  );
}

function Rename({ conversation }: { conversation: Conversation }) {
  const [name, setName] = useState(conversation.name ?? "");
  const change = useChange(conversation.id);
  const problem = change.error instanceof Problem ? change.error : undefined;
  const error = name.trim() === "" ? "A group has a name" : (problem?.field("name") ?? (change.isError ? explain(change.error) : undefined));
  return (
    <form
      noValidate
      className="flex items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== "") change.mutate({ name: name.trim() }, { onSuccess: () => toast("The group has its new name") });
      }}
    >
      <TextField
        label="Name"
        className="flex-1"
        maxLength={100}
        error={error}
        value={name}
        onChange={(event) => {
          setName(event.target.value);
          change.reset();
        }}
      />
      <Button type="submit" isBusy={change.isPending} disabled={name.trim() === (conversation.name ?? "")}>
        Rename
      </Button>
    </form>
  );
}

function TakeIn({ id, members }: { id: number; members: readonly string[] }) {
  const people = useEverybody();
  const change = useMembership(id);
  const others = people.all.filter((person) => !members.includes(person.user_name));
  return (
    <div className="flex flex-col gap-2">
      <Picker
        label="Find somebody"
        align="start"
        items={others.map((person) => ({ value: person.user_name, label: personName(person), hint: person.user_name, icon: <Avatar name={personName(person)} size="small" /> }))}
        isLoading={people.isPending}
        empty={people.error ? explain(people.error) : "Nobody else is called that"}
        onChoose={(name) => change.mutate({ add: name }, { onSuccess: () => toast(`${name} is in the group`) })}
        trigger={
          <Button icon={UserRoundPlus} isBusy={change.isPending} className="self-start">
            Add somebody
          </Button>
        }
      />
      <FormError error={change.error} />
    </div>
  );
}

interface ListProps {
  conversation: Conversation;
  members: readonly { id: number; user_name: string; role: string; is_request: boolean }[];
  me: string | undefined;
  isOwner: boolean;
  onLeft: () => void;
}

function List({ conversation, members, me, isOwner, onLeft }: ListProps) {
  const presence = useAtomValue(presenceAtom);
  const [leaving, setLeaving] = useState<string>();
  const isGroup = conversation.kind === "group";
  return (
    <>
      <ul className="divide-y rounded-lg border">
        {members.map((member) => {
          const isMe = member.user_name === me;
          return (
            <li key={member.id} className="flex min-h-12 items-center gap-3 py-1 ps-3 pe-1">
              <Avatar name={member.user_name} isOnline={isMe ? undefined : (presence.get(member.user_name) ?? false)} />
              <bdi className="min-w-0 flex-1 truncate font-medium">
                {member.user_name}
                {isMe && <span className="font-normal text-ink-muted"> (you)</span>}
              </bdi>
              {member.is_request && <Badge>asked</Badge>}
              {member.role === "owner" && <Badge tone="accent">owner</Badge>}
              {isGroup && isMe && (
                <Button tone="quiet" size="small" icon={LogOut} onClick={() => setLeaving(member.user_name)}>
                  Leave
                </Button>
              )}
              {isGroup && isOwner && !isMe && <IconButton icon={UserRoundMinus} label={`Put ${member.user_name} out of the group`} onClick={() => setLeaving(member.user_name)} />}
            </li>
          );
        })}
      </ul>
      {leaving !== undefined && <Leave conversation={conversation} userName={leaving} isMe={leaving === me} isOwner={isOwner} onLeft={onLeft} onClose={() => setLeaving(undefined)} />}
    </>
  );
}

interface LeaveProps {
  conversation: Conversation;
  userName: string;
  isMe: boolean;
  isOwner: boolean;
  onLeft: () => void;
  onClose: () => void;
}

function Leave({ conversation, userName, isMe, isOwner, onLeft, onClose }: LeaveProps) {
  const navigate = useNavigate();
  const change = useMembership(conversation.id);
  const leave = () =>
    change.mutate(
      { remove: userName },
      {
        onSuccess: () => {
          onClose();
          if (!isMe) return;
          onLeft();
          void navigate({ to: "/inbox", search: (search) => search });
        },
      },
    );
  return (
    <ConfirmDialog
      title={isMe ? "Leave the group?" : `Put ${userName} out of the group?`}
      description={
        isMe
          ? isOwner
            ? "You see nothing of it any more. Whoever has been there longest owns it from then on."
            : "You see nothing of it any more, until somebody takes you in again."
          : "They see nothing of it any more."
      }
      action={isMe ? "Leave" : "Put out"}
      isOpen
      isBusy={change.isPending}
      error={change.isError ? explain(change.error) : undefined}
      onConfirm={leave}
      onClose={onClose}
    />
  );
}
