/** Friends, requests and groups. */
import { Search, UserPlus, UsersRound } from "lucide-react";
import { useState } from "react";
import { Button } from "../../parts/button";
import { PageBody, PageHeader } from "../../parts/page";
import { useSession } from "../../state/session";
import { AddFriend } from "./add-friend";
import { AsOperator } from "./as-operator";
import { Found } from "./found";
import { NewGroup } from "./new-group";
import { PeopleTabs } from "./people-tabs";
import { useBlocks, useEverybody, useFriends, useRequests } from "./queries";
import { relationsOf } from "./relations";

export function PeoplePage() {
  const session = useSession();
  return session.kind === "user" ? <People me={session.user.username} /> : <AsOperator />;
}

function People({ me }: { me: string }) {
  const friends = useFriends();
  const requests = useRequests();
  const blocks = useBlocks();
  const everybody = useEverybody();
  const [search, setSearch] = useState("");
  const [dialog, setDialog] = useState<"friend" | "group">();
  const close = () => setDialog(undefined);
  const newGroup = () => setDialog("group");
  const relations = relationsOf({ friends: friends.all, requests: requests.all, blocks: blocks.all });

  return (
    <PageBody width="narrow">
      <PageHeader
        title="People"
        actions={
          <>
            <Button icon={UsersRound} onClick={newGroup}>
              New group
            </Button>
            <Button tone="accent" icon={UserPlus} onClick={() => setDialog("friend")}>
              Add a friend
            </Button>
          </>
        }
      />
      <SearchBox value={search} onChange={setSearch} />
      <div className="overflow-hidden rounded-xl border bg-surface shadow-raised">
        {search.trim() === "" ? (
          <PeopleTabs {...{ me, friends, requests, blocks, everybody, relations }} onNewGroup={newGroup} />
        ) : (
          <Found me={me} search={search} everybody={everybody} relations={relations} />
        )}
      </div>
      <AddFriend isOpen={dialog === "friend"} onClose={close} />
      <NewGroup me={me} isOpen={dialog === "group"} onClose={close} />
    </PageBody>
  );
}

function SearchBox({ value, onChange }: { value: string; onChange: (search: string) => void }) {
  return (
    <search className="relative">
      <label htmlFor="people-search" className="sr-only">
        Search people and groups
      </label>
      <Search aria-hidden="true" className="pointer-events-none absolute start-3 top-1/2 size-4 -translate-y-1/2 text-ink-muted" />
      <input
        id="people-search"
        type="search"
        dir="auto"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && onChange("")}
        placeholder="Search people and groups"
        autoComplete="off"
        className="h-10 w-full rounded-md border border-line-strong bg-surface ps-9 pe-3 text-base focus-visible:outline-offset-0 sm:text-sm"
      />
    </search>
  );
}
