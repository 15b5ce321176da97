/** A chat with somebody. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useAtomValue } from "jotai";
import { useState } from "react";
import { api, body } from "../../../api/client";
import { personName } from "../../../api/conversations";
import { keys } from "../../../api/keys";
import { Avatar } from "../../../parts/avatar";
import { CutLine, MOST_SHOWN } from "../../../parts/cut";
import { TextField } from "../../../parts/field";
import { SkeletonRows } from "../../../parts/skeleton";
import { EmptyState, ErrorState, FormError } from "../../../parts/states";
import { presenceAtom } from "../../../state/live";
import { useEverybody } from "../../people/queries";

export function ChatForm({ me, onBegun }: { me: string; onBegun: (conversation: number) => void }) {
  const client = useQueryClient();
  const begin = useMutation({
    mutationFn: (userName: string) => body(api.POST("/api/conversations", { body: { kind: "direct", user_name: userName } })),
    onSuccess: ({ id }) => {
      void client.invalidateQueries({ queryKey: keys.conversations });
      onBegun(id);
    },
  });
  const presence = useAtomValue(presenceAtom);
  const people = useEverybody();
  const [text, setText] = useState("");
  if (people.isPending) return <SkeletonRows count={4} />;
  if (people.error) return <ErrorState error={people.error} onRetry={people.retry} isRetrying={people.isRetrying} />;
  const wanted = text.trim().toLocaleLowerCase();
  const others = people.all.filter((person) => person.user_name !== me);
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
          {found.slice(0, MOST_SHOWN).map((person) => {
            const isChosen = begin.isPending && begin.variables === person.user_name;
            return (
              <li key={person.id}>
                <button
                  type="button"
                  aria-busy={isChosen || undefined}
                  onClick={() => !begin.isPending && begin.mutate(person.user_name)}
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
      <CutLine found={found.length} className="px-2 text-[0.8125rem] text-ink-muted" />
    </div>
  );
}
