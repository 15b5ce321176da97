/** What a conversation is labelled, and what else it could be. */
import { useQuery } from "@tanstack/react-query";
import { Tag, X } from "lucide-react";
import { useState } from "react";
import { type Conversation, labelsQuery } from "../../../api/conversations";
import { explain } from "../../../api/problem";
import { IconButton } from "../../../parts/button";
import { Picker } from "../../../parts/picker";
import { isAdmin, useSession } from "../../../state/session";
import { useLabels } from "./changes";

export function LabelPicker({ conversation }: { conversation: Conversation }) {
  const canMake = isAdmin(useSession());
  const [isAsked, setAsked] = useState(false);
  const labels = useQuery({ ...labelsQuery, enabled: isAsked });
  const change = useLabels(conversation.id);
  const own = conversation.labels ?? [];
  const isOn = (id: number) => own.some((label) => label.id === id);
  return (
    <Picker
      label="Find a label"
      isMultiple
      items={(labels.data ?? own).map(({ id, name }) => ({ value: String(id), label: name }))}
      chosen={own.map(({ id }) => String(id))}
      isLoading={labels.isLoading}
      empty={labels.isError ? explain(labels.error) : canMake ? "Type a name to make a label" : "There is no such label: an admin makes them"}
      onOpen={() => setAsked(true)}
      onChoose={(value) => change.mutate(isOn(Number(value)) ? { remove: Number(value) } : { add: Number(value) })}
      onCreate={canMake ? (name) => change.mutate({ make: name }) : undefined}
      trigger={<IconButton icon={Tag} label="Labels" isBusy={change.isPending} />}
    />
  );
}

/** The labels it has, each with a way to take it off. */
export function Labels({ conversation }: { conversation: Conversation }) {
  const change = useLabels(conversation.id);
  const own = conversation.labels ?? [];
  if (own.length === 0) return null;
  return (
    <ul aria-label="Labels" className="flex flex-wrap gap-1.5">
      {own.map(({ id, name }) => (
        <li key={id} className="inline-flex max-w-48 items-center rounded-full bg-accent-soft ps-2.5 text-xs font-medium text-accent">
          <bdi className="truncate">{name}</bdi>
          <button
            type="button"
            aria-label={`Take the label ${name} off`}
            onClick={() => change.mutate({ remove: id })}
            className="grid size-8 shrink-0 place-items-center rounded-full hover:bg-hover sm:size-6"
          >
            <X aria-hidden="true" className="size-3" />
          </button>
        </li>
      ))}
    </ul>
  );
}
