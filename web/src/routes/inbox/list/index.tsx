/** The left column of the inbox: search, filters, conversations. */
import { useAtomValue } from "jotai";
import { SquarePen } from "lucide-react";
import type { Ref } from "react";
import { IconButton } from "../../../parts/button";
import { areKeysOnAtom } from "../../../state/preferences";
import { Filters } from "./filters";
import { ConversationRows, type ListHandle } from "./rows";
import { SearchBox } from "./search-box";

export interface ConversationListProps {
  searchRef: Ref<HTMLInputElement>;
  listRef: Ref<ListHandle>;
  onNew: () => void;
}

export function ConversationList({ searchRef, listRef, onNew }: ConversationListProps) {
  const areKeysOn = useAtomValue(areKeysOnAtom);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-col gap-2 border-b px-3 pt-3 pb-2">
        <div className="flex items-center gap-2">
          <h1 className="sr-only">Inbox</h1>
          <SearchBox ref={searchRef} />
          <IconButton icon={SquarePen} label={areKeysOn ? "New conversation (c)" : "New conversation"} onClick={onNew} />
        </div>
        <Filters />
      </div>
      <ConversationRows ref={listRef} onNew={onNew} />
    </div>
  );
}
