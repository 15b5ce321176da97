/** Begins a group: its name, and who is in it. It stands in a dialog. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check, X } from "lucide-react";
import { useState } from "react";
import { api, body } from "../../api/client";
import { keys } from "../../api/keys";
import { Problem } from "../../api/problem";
import { Avatar } from "../../parts/avatar";
import { Button } from "../../parts/button";
import { classes } from "../../parts/classes";
import { CutLine, MOST_SHOWN } from "../../parts/cut";
import { FieldError, TextField } from "../../parts/field";
import { SkeletonRows } from "../../parts/skeleton";
import { ErrorState, FormError } from "../../parts/states";
import { fieldSentence } from "../account/form-problem";
import { useEverybody, useFriends } from "./queries";
import { everybodyElse, type Known, matches, relationsOf } from "./relations";

export function GroupForm({ me, onBegun }: { me: string; onBegun: (conversation: number) => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [members, setMembers] = useState<readonly string[]>([]);
  const [search, setSearch] = useState("");
  const [isTried, setTried] = useState(false);
  const begin = useMutation({
    mutationFn: () => body(api.POST("/api/conversations", { body: { kind: "group", name: name.trim(), members: [...members] } })),
    onSuccess: ({ id }) => {
      void client.invalidateQueries({ queryKey: keys.conversations });
      onBegun(id);
    },
  });
  const isNamed = name.trim() !== "";
  const wrong = begin.error instanceof Problem ? begin.error.field("name") : undefined;
  const refusal = wrong && fieldSentence("name", wrong);
  const toggle = (userName: string) => setMembers((before) => (before.includes(userName) ? before.filter((name) => name !== userName) : [...before, userName]));
  return (
    <form
      noValidate
      className="flex flex-col gap-4 pb-4"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (isNamed && members.length > 0 && !begin.isPending) begin.mutate();
      }}
    >
      {wrong === undefined && <FormError error={begin.error} />}
      <TextField
        label="Name of the group"
        value={name}
        onChange={(event) => {
          setName(event.target.value);
          begin.reset();
        }}
        data-autofocus
        error={isTried && !isNamed ? "Give the group a name" : refusal}
        maxLength={100}
        autoComplete="off"
      />
      {members.length > 0 && (
        <ul aria-label="In the group" className="flex flex-wrap gap-1.5">
          {members.map((userName) => (
            <li key={userName}>
              <button
                type="button"
                aria-label={`Leave ${userName} out`}
                onClick={() => toggle(userName)}
                className="inline-flex min-h-10 items-center gap-1.5 rounded-full bg-accent-soft ps-3 pe-2 text-[0.8125rem] font-medium text-accent hover:bg-hover sm:min-h-8"
              >
                <bdi>{userName}</bdi>
                <X aria-hidden="true" className="size-3.5" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <TextField label="Who is in it" type="search" placeholder="Search by name or username" value={search} onChange={(event) => setSearch(event.target.value)} autoComplete="off" />
      <Choices me={me} search={search} members={members} onToggle={toggle} />
      <FieldError message={isTried && members.length === 0 ? "Choose at least one person" : undefined} />
      <div className="flex flex-wrap items-center justify-end gap-2">
        <p aria-live="polite" className="me-auto text-[0.8125rem] text-ink-muted">
          {members.length === 0 ? "Choose somebody" : `You and ${members.length} ${members.length === 1 ? "other" : "others"}`}
        </p>
        <Button type="submit" tone="accent" isBusy={begin.isPending}>
          Begin
        </Button>
      </div>
    </form>
  );
}

function Choices({ me, search, members, onToggle }: { me: string; search: string; members: readonly string[]; onToggle: (userName: string) => void }) {
  const everybody = useEverybody();
  const friends = useFriends();
  if (everybody.isPending) return <SkeletonRows count={3} />;
  if (everybody.error) return <ErrorState title="The people could not be loaded" error={everybody.error} onRetry={everybody.retry} isRetrying={everybody.isRetrying} />;
  const relations = relationsOf({ friends: friends.all, requests: [], blocks: [] });
  const found = everybodyElse(everybody.all, relations, me).filter((person) => matches(person, search));
  const sorted = found.toSorted((one, other) => Number(other.relation === "friend") - Number(one.relation === "friend"));
  if (sorted.length === 0) return <p className="px-1 py-3 text-ink-muted">{search.trim() === "" ? "There is nobody else in this workspace yet." : "Nobody here has such a name."}</p>;
  return (
    <div className="-mx-2 max-h-64 overflow-y-auto">
      <ul aria-label="People">
        {sorted.slice(0, MOST_SHOWN).map((person) => (
          <Choice key={person.userName} person={person} isChosen={members.includes(person.userName)} onToggle={onToggle} />
        ))}
      </ul>
      <CutLine found={sorted.length} className="px-2 py-2 text-[0.8125rem] text-ink-muted" />
    </div>
  );
}

function Choice({ person: { userName, name, relation }, isChosen, onToggle }: { person: Known; isChosen: boolean; onToggle: (userName: string) => void }) {
  return (
    <li>
      <button
        type="button"
        role="checkbox"
        aria-checked={isChosen}
        onClick={() => onToggle(userName)}
        className="flex min-h-11 w-full items-center gap-3 rounded-md px-2 py-1 text-start hover:bg-hover focus-visible:-outline-offset-2"
      >
        <Avatar name={name || userName} size="small" />
        <span className="min-w-0 flex-1">
          <bdi className="block truncate">{name || userName}</bdi>
          <span className="block truncate text-xs text-ink-muted">
            @{userName}
            {relation === "friend" && " · friend"}
          </span>
        </span>
        <span aria-hidden="true" className={classes("grid size-5 shrink-0 place-items-center rounded-full border", isChosen ? "border-accent bg-accent text-on-accent" : "border-line-strong")}>
          {isChosen && <Check className="size-3.5" />}
        </span>
      </button>
    </li>
  );
}
