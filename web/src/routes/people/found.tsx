/** What a search among people finds: people and groups. */
import { SearchX } from "lucide-react";
import { EmptyState } from "../../parts/states";
import { titleOf } from "../inbox/names";
import { GroupRow, useChats } from "./groups";
import { PeopleList } from "./people-list";
import { PersonRow } from "./person-row";
import type { Everyone, Person } from "./queries";
import { everybodyElse, matches, type Relation } from "./relations";

export interface FoundProps {
  me: string;
  search: string;
  everybody: Everyone<Person>;
  relations: ReadonlyMap<string, Relation>;
}

export function Found({ me, search, everybody, relations }: FoundProps) {
  const groups = useChats().chats.filter((chat) => chat.kind === "group" && matches({ userName: "", name: titleOf(chat, me) }, search));
  const people = everybodyElse(everybody.all, relations, me).filter((person) => matches(person, search));
  const count = groups.length + people.length;
  return (
    <>
      <p role="status" className="sr-only">
        {everybody.isPending ? "" : `${count} found`}
      </p>
      {groups.length > 0 && (
        <ul aria-label="Groups found" className="flex flex-col divide-y border-b">
          {groups.map((group) => (
            <GroupRow key={group.id} group={group} me={me} />
          ))}
        </ul>
      )}
      <PeopleList
        label="People found"
        list={everybody}
        rows={people}
        row={(person) => <PersonRow key={person.userName} person={person} />}
        empty={
          groups.length > 0 ? null : (
            <EmptyState icon={SearchX} title="Nobody is called so">
              In this workspace no name and no username holds these words.
            </EmptyState>
          )
        }
      />
    </>
  );
}
