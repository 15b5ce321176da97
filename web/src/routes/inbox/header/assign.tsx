/** Who answers: me, somebody else, or nobody in particular. */
import { UserRound, UserRoundPlus, UserRoundX } from "lucide-react";
import { useState } from "react";
import { type Conversation, personName } from "../../../api/conversations";
import { explain } from "../../../api/problem";
import { Avatar } from "../../../parts/avatar";
import { Button } from "../../../parts/button";
import { Picker, type PickerItem } from "../../../parts/picker";
import { toastFailure } from "../../../parts/toasts";
import { useSession } from "../../../state/session";
import { useEverybody } from "../../people/queries";
import { usernameOf } from "../names";
import { useChange } from "./changes";

const NOBODY = "";

export function Assign({ conversation }: { conversation: Conversation }) {
  const me = usernameOf(useSession());
  const [isAsked, setAsked] = useState(false);
  const people = useEverybody(isAsked);
  const change = useChange(conversation.id);
  const assignee = conversation.assignee ?? undefined;
  const label = assignee === undefined ? "Unassigned" : assignee === me ? "You" : assignee;

  const others = people.all
    .filter((person) => person.user_name !== me)
    .map((person): PickerItem => {
      const name = personName(person);
      return { value: person.user_name, label: name, hint: person.user_name, icon: <Avatar name={name} size="small" /> };
    });
  const items: PickerItem[] = [
    ...(me === undefined ? [] : [{ value: me, label: "Me", hint: me, icon: <UserRoundPlus aria-hidden="true" className="size-5 shrink-0 text-accent" /> }]),
    { value: NOBODY, label: "Nobody", icon: <UserRoundX aria-hidden="true" className="size-5 shrink-0 text-ink-muted" /> },
    ...others,
  ];

  const assign = (value: string) => {
    const next = value === NOBODY ? null : value;
    if (next === (assignee ?? null)) return;
    change.mutate({ assignee: next }, { onError: (error) => toastFailure("It was not assigned", error) });
  };

  return (
    <Picker
      label="Find who answers"
      items={items}
      chosen={[assignee ?? NOBODY]}
      isLoading={isAsked && people.isPending}
      empty={people.error ? explain(people.error) : "Nobody is called that"}
      onOpen={() => setAsked(true)}
      onChoose={assign}
      trigger={
        <Button tone="quiet" size="small" icon={UserRound} isBusy={change.isPending} aria-label={`Answered by: ${label}. Assign`}>
          <bdi className="max-w-28 truncate @max-2xl:hidden">{label}</bdi>
        </Button>
      }
    />
  );
}
