/** The lists of people, one behind each tab. */
import { useAtom } from "jotai";
import { Ban, UserRound, Users, UsersRound } from "lucide-react";
import type { ReactNode } from "react";
import { Count } from "../../parts/badge";
import { Button } from "../../parts/button";
import { EmptyState } from "../../parts/states";
import { Tabs } from "../../parts/tabs";
import { Time } from "../../parts/time";
import { Groups } from "./groups";
import { PeopleList } from "./people-list";
import { PersonRow } from "./person-row";
import type { Everyone, Friend, FriendRequest, Person } from "./queries";
import { everybodyElse, fullName, type Known, type Relation } from "./relations";
import { Requests } from "./requests";
import { type PeopleTab, peopleTabAtom } from "./tab";

export interface PeopleTabsProps {
  me: string;
  friends: Everyone<Friend>;
  requests: Everyone<FriendRequest>;
  blocks: Everyone<Friend>;
  everybody: Everyone<Person>;
  relations: ReadonlyMap<string, Relation>;
  onNewGroup: () => void;
}

export function PeopleTabs(props: PeopleTabsProps) {
  const { me, friends, requests, blocks, everybody, relations, onNewGroup } = props;
  const [tab, setTab] = useAtom(peopleTabAtom);
  const waiting = requests.all.filter(({ direction }) => direction === "in").length;
  const contents: Record<PeopleTab, { label: ReactNode; content: ReactNode }> = {
    friends: { label: "Friends", content: <Friends friends={friends} onEveryone={() => setTab("everyone")} /> },
    requests: {
      label: (
        <span className="inline-flex items-center gap-1.5">
          Requests <Count value={waiting} label="waiting" />
        </span>
      ),
      content: <Requests me={me} requests={requests} people={everybody.all} />,
    },
    groups: { label: "Groups", content: <Groups me={me} empty={<NoGroups onNewGroup={onNewGroup} />} /> },
    everyone: { label: "Everyone", content: <Others me={me} everybody={everybody} relations={relations} /> },
    blocked: { label: "Blocked", content: <Blocked blocks={blocks} /> },
  };
  return <Tabs label="People" value={tab} onChange={setTab} tabs={TABS.map((value) => ({ value, ...contents[value] }))} />;
}

const TABS = ["friends", "requests", "groups", "everyone", "blocked"] as const;

function known(friend: Friend, relation: Relation): Known {
  return { userName: friend.user_name, name: fullName(friend), relation };
}

function Friends({ friends, onEveryone }: { friends: Everyone<Friend>; onEveryone: () => void }) {
  return (
    <PeopleList
      label="Your friends"
      list={friends}
      rows={friends.all}
      row={(friend) => <PersonRow key={friend.user_name} person={known(friend, "friend")} />}
      empty={
        <EmptyState icon={UserRound} title="No friends yet" action={<Button onClick={onEveryone}>See everyone</Button>}>
          Add somebody by their username, or look who is in the workspace.
        </EmptyState>
      }
    />
  );
}

function NoGroups({ onNewGroup }: { onNewGroup: () => void }) {
  return (
    <EmptyState icon={UsersRound} title="No groups yet" action={<Button onClick={onNewGroup}>New group</Button>}>
      Begin one, and everybody in it reads what is said.
    </EmptyState>
  );
}

function Others({ me, everybody, relations }: Pick<PeopleTabsProps, "me" | "everybody" | "relations">) {
  return (
    <PeopleList
      label="Everyone"
      list={everybody}
      rows={everybodyElse(everybody.all, relations, me)}
      row={(person) => <PersonRow key={person.userName} person={person} />}
      empty={
        <EmptyState icon={Users} title="You are alone here">
          Whoever joins this workspace stands here.
        </EmptyState>
      }
    />
  );
}

function Blocked({ blocks }: { blocks: Everyone<Friend> }) {
  return (
    <PeopleList
      label="Whom you have blocked"
      list={blocks}
      rows={blocks.all}
      row={(friend) => (
        <PersonRow
          key={friend.user_name}
          person={known(friend, "blocked")}
          note={
            <span>
              since <Time at={friend.since} form="short" />
            </span>
          }
        />
      )}
      empty={
        <EmptyState icon={Ban} title="Nobody is blocked">
          Whom you block can no longer write to you, nor you to them.
        </EmptyState>
      }
    />
  );
}
