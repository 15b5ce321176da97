/** One row of a thread, under the heading of its day where it is the first. */
import { memo } from "react";
import { useNow } from "../../../parts/clock";
import { formatDay } from "../../../parts/time";
import type { Conversation } from "../names";
import { ActivityLine } from "./activity";
import { MessageEntry } from "./message";
import { OutgoingEntry } from "./outgoing";
import type { Row } from "./rows";

/** Who reads it: their username, and whether they answer for the workspace. */
export interface Reader {
  me: string | undefined;
  isTeam: boolean;
}

export interface ThreadRowProps {
  row: Row;
  conversation: Conversation;
  reader: Reader;
  isLast: boolean;
}

export const ThreadRow = memo(
  function ThreadRow({ row, conversation, reader, isLast }: ThreadRowProps) {
    return (
      <>
        {row.day !== undefined && <DayHeading at={row.day} />}
        {row.kind === "message" && <MessageEntry row={row} conversation={conversation} reader={reader} isLast={isLast} />}
        {row.kind === "activity" && <ActivityLine activity={row.activity} me={reader.me} />}
        {row.kind === "outgoing" && <OutgoingEntry outgoing={row.outgoing} />}
      </>
    );
  },
  (before, after) => isSameRow(before.row, after.row) && isSamePlace(before.conversation, after.conversation) && before.reader === after.reader && before.isLast === after.isLast,
);

function isSameRow(one: Row, other: Row): boolean {
  if (one === other) return true;
  if (one.day !== other.day) return false;
  if (one.kind === "message" && other.kind === "message") {
    return one.message === other.message && one.isContinued === other.isContinued && one.isContinuing === other.isContinuing;
  }
  if (one.kind === "activity" && other.kind === "activity") return one.activity === other.activity;
  return one.kind === "outgoing" && other.kind === "outgoing" && one.outgoing === other.outgoing;
}

/** What of a conversation its rows show. */
function isSamePlace(one: Conversation, other: Conversation): boolean {
  return one.id === other.id && one.kind === other.kind && one.participants.length === other.participants.length && one.is_request === other.is_request;
}

function DayHeading({ at }: { at: string }) {
  const now = useNow();
  return (
    <h2 className="flex items-center gap-3 pt-4 pb-2 text-xs font-medium text-ink-muted">
      <span aria-hidden="true" className="h-px flex-1 bg-line" />
      {formatDay(new Date(at), now)}
      <span aria-hidden="true" className="h-px flex-1 bg-line" />
    </h2>
  );
}
