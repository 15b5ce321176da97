/** A chat with somebody, or a group of several. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useAtomValue } from "jotai";
import { UserRoundPlus, X } from "lucide-react";
import { useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { peopleQuery, personName } from "../../../api/conversations";
import { keys } from "../../../api/keys";
import { explain } from "../../../api/problem";
import { Avatar } from "../../../parts/avatar";
import { Button, IconButton } from "../../../parts/button";
import { FieldError, TextField } from "../../../parts/field";
import { SkeletonRows } from "../../../parts/skeleton";
import { EmptyState, ErrorState, FormError } from "../../../parts/states";
import { Picker } from "../../../parts/picker";
import { presenceAtom } from "../../../state/live";
import { useSession } from "../../../state/session";
import { usernameOf } from "../names";
import { fieldError } from "./first-message";

export interface PeopleFormProps {
  kind: "chat" | "group";
  onBegun: (conversation: number) => void;
}

export function PeopleForm({ kind, onBegun }: PeopleFormProps) {
  const client = useQueryClient();
  const begin = useMutation({
    mutationFn: (request: Schemas["ConversationRequest"]) => body(api.POST("/api/conversations", { body: request })),
    onSuccess: ({ id }) => {
      void client.invalidateQueries({ queryKey: keys.conversations });
      onBegun(id);
    },
  });
  return kind === "chat" ? <Chat begin={begin} /> : <Group begin={begin} />;
}

interface Begin {
  mutate: (request: Schemas["ConversationRequest"]) => void;
  isPending: boolean;
  error: unknown;
  variables: Schemas["ConversationRequest"] | undefined;
}

function Chat({ begin }: { begin: Begin }) {
  const me = usernameOf(useSession());
  const presence = useAtomValue(presenceAtom);
  const people = useQuery(peopleQuery);
  const [text, setText] = useState("");
  if (people.isPending) return <SkeletonRows count={4} />;
  if (people.isError) return <ErrorState error={people.error} onRetry={() => void people.refetch()} isRetrying={people.isFetching} />;
  const wanted = text.trim().toLocaleLowerCase();
  const others = people.data.filter((person) => person.user_name !== me);
  const found = others.filter((person) => `${personName(person)} ${person.user_name}`.toLocaleLowerCase().includes(wanted));
  return (
    <div className="flex min-h-72 flex-col gap-3 pb-4">
      <TextField data-autofocus label="With whom?" type="search" autoComplete="off" placeholder="Name or username" value={text} onChange={(event) => setText(event.target.value)} />
      <FormError error={begin.error} />
      {found.length === 0 ? (
        <EmptyState title={others.length === 0 ? "Nobody else is here yet" : "Nobody is called that"}>
          {others.length === 0 ? "As soon as others sign up you can chat with them." : "Look for another name or username."}
        </EmptyState>
      ) : (
        <ul className="flex flex-col">
          {found.map((person) => {
            const isChosen = begin.isPending && begin.variables?.kind === "direct" && begin.variables.user_name === person.user_name;
            return (
              <li key={person.id}>
                <button
                  type="button"
                  aria-busy={isChosen || undefined}
                  onClick={() => !begin.isPending && begin.mutate({ kind: "direct", user_name: person.user_name })}
                  className="flex min-h-12 w-full items-center gap-3 rounded-lg px-2 py-1.5 text-start hover:bg-hover aria-busy:opacity-60"
                >
                  <Avatar name={personName(person)} isOnline={presence.get(person.user_name) ?? false} />
                  <span className="min-w-0">
                    <bdi className="block truncate font-medium">{personName(person)}</bdi>
                    <bdi className="block truncate text-xs text-ink-muted">{person.user_name}</bdi>
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}

function Group({ begin }: { begin: Begin }) {
  const me = usernameOf(useSession());
  const people = useQuery(peopleQuery);
  const [name, setName] = useState("");
  const [members, setMembers] = useState<readonly string[]>([]);
  const [isTried, setTried] = useState(false);
  const missingName = isTried && name.trim() === "" ? "Give the group a name" : undefined;
  const missingMembers = isTried && members.length === 0 ? "Choose at least one person" : undefined;
  const toggle = (userName: string) => setMembers(members.includes(userName) ? members.filter((other) => other !== userName) : [...members, userName]);
  const isNamed = fieldError(begin.error, "name") !== undefined || fieldError(begin.error, "members") !== undefined;
  return (
    <form
      noValidate
      className="flex min-h-72 flex-col gap-3 pb-4"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (name.trim() !== "" && members.length > 0) begin.mutate({ kind: "group", name: name.trim(), members: [...members] });
      }}
    >
      <FormError error={isNamed ? undefined : begin.error} />
      <TextField data-autofocus label="Name" autoComplete="off" maxLength={100} error={missingName ?? fieldError(begin.error, "name")} value={name} onChange={(event) => setName(event.target.value)} />
      <div className="flex flex-col gap-2">
        <p className="text-[0.8125rem] font-medium">Who is in it</p>
        {members.length > 0 && (
          <ul aria-label="Members" className="flex flex-wrap gap-1.5">
            {members.map((member) => (
              <li key={member} className="inline-flex items-center rounded-full bg-sunken ps-3">
                <bdi>{member}</bdi>
                <IconButton icon={X} label={`Leave ${member} out`} className="size-10 rounded-full sm:size-8" onClick={() => toggle(member)} />
              </li>
            ))}
          </ul>
        )}
        <Picker
          label="Find somebody"
          align="start"
          isMultiple
          items={(people.data ?? [])
            .filter((person) => person.user_name !== me)
            .map((person) => ({ value: person.user_name, label: personName(person), hint: person.user_name, icon: <Avatar name={personName(person)} size="small" /> }))}
          chosen={members}
          isLoading={people.isLoading}
          empty={people.isError ? explain(people.error) : "Nobody is called that"}
          onChoose={toggle}
          trigger={
            <Button icon={UserRoundPlus} className="self-start">
              Add people
            </Button>
          }
        />
        <FieldError message={missingMembers ?? fieldError(begin.error, "members")} />
      </div>
      <div className="mt-auto flex justify-end">
        <Button type="submit" tone="accent" isBusy={begin.isPending}>
          Make the group
        </Button>
      </div>
    </form>
  );
}
