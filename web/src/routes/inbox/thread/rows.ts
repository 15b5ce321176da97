/** What a thread shows, row by row: its messages, what was done to it in between, and what is on its way. */
import type { Schemas } from "../../../api/client";
import { isNewer, type Message, type Thread } from "../../../api/thread";
import type { Outgoing } from "../../../state/outgoing";

/** What was read of a thread, whatever it was asked by. */
export type ThreadPages = Pick<Thread, "pages">;

export type Activity = Schemas["Activity"];

interface RowFrame {
  key: string | number;
  /** The first of its day, whose heading it bears. */
  day?: string;
}

export interface MessageRow extends RowFrame {
  kind: "message";
  message: Message;
  /** Whether it stands with the one before, by the same sender within minutes. */
  isContinued: boolean;
  /** Whether the next one stands with it. */
  isContinuing: boolean;
}

export type Row = MessageRow | (RowFrame & { kind: "activity"; activity: Activity }) | (RowFrame & { kind: "outgoing"; outgoing: Outgoing });

const TOGETHER_MS = 5 * 60_000;

export interface Parts {
  thread: ThreadPages | undefined;
  /** Oldest first. */
  activities: readonly Activity[];
  outgoing: readonly Outgoing[];
  /** Whether there are older messages that were not read yet. */
  hasMore: boolean;
}

/**
 * The rows, oldest first. The oldest that was read bears no heading while there are older ones, and what was done before
 * it is left out: no row changes when those come.
 */
export function buildRows({ thread, activities, outgoing, hasMore }: Parts): Row[] {
  const rows: Row[] = [];
  const days = newDays();
  let before: MessageRow | undefined;
  let next = 0;
  const isReadUpTo = oldestOf(thread);
  if (hasMore && isReadUpTo) next = firstAfter(activities, isReadUpTo.timestamp);

  const pushActivitiesBefore = (at: string | undefined) => {
    for (; next < activities.length; next += 1) {
      const activity = activities[next];
      if (!activity || (at !== undefined && activity.at > at)) return;
      rows.push(headed({ kind: "activity", key: `a${activity.id}`, activity }, days.headingOf(activity.at)));
      before = undefined;
    }
  };

  const pages = thread?.pages ?? [];
  for (let page = pages.length - 1; page >= 0; page -= 1) {
    const messages = pages[page]?.data ?? [];
    for (let index = messages.length - 1; index >= 0; index -= 1) {
      const message = messages[index];
      if (!message) continue;
      if (hasMore && rows.length === 0) {
        days.skip(message.timestamp);
        before = { kind: "message", key: message.id, message, isContinued: false, isContinuing: false };
        rows.push(before);
        continue;
      }
      pushActivitiesBefore(message.timestamp);
      const heading = days.headingOf(message.timestamp);
      const isContinued = heading === undefined && before !== undefined && isTogether(before.message, message);
      if (before && isContinued) before.isContinuing = true;
      const row: MessageRow = headed({ kind: "message", key: message.id, message, isContinued, isContinuing: false }, heading);
      rows.push(row);
      before = row;
    }
  }
  pushActivitiesBefore(undefined);
  for (const entry of outgoing) rows.push(headed({ kind: "outgoing", key: entry.key, outgoing: entry }, days.headingOf(entry.at)));
  return rows;
}

function headed<R extends Row>(row: R, day: string | undefined): R {
  if (day !== undefined) row.day = day;
  return row;
}

function isTogether(one: Message, other: Message): boolean {
  return (
    one.type === other.type &&
    one.direction === other.direction &&
    one.from === other.from &&
    (one.author ?? "") === (other.author ?? "") &&
    one.type !== "email" &&
    Date.parse(other.timestamp) - Date.parse(one.timestamp) < TOGETHER_MS
  );
}

function oldestOf(thread: ThreadPages | undefined): Message | undefined {
  return thread?.pages.findLast((page) => page.data.length > 0)?.data.at(-1);
}

export function newestOf(thread: ThreadPages | undefined): Message | undefined {
  return thread?.pages.find((page) => page.data.length > 0)?.data[0];
}

function firstAfter(activities: readonly Activity[], at: string): number {
  const found = activities.findIndex((activity) => activity.at > at);
  return found === -1 ? activities.length : found;
}

/** Days as the reader's calendar has them. Most rows are of the day of the one before: no date is made for those. */
function newDays() {
  let day = { start: 0, end: 0 };
  let headed: typeof day | undefined;
  const dayOf = (at: string) => {
    const time = Date.parse(at);
    if (time < day.start || time >= day.end) {
      const date = new Date(time);
      const startOf = (offset: number) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + offset).getTime();
      day = { start: startOf(0), end: startOf(1) };
    }
    return day;
  };
  return {
    /** When the day begins, for the first row of each. */
    headingOf: (at: string): string | undefined => {
      const found = dayOf(at);
      if (found === headed) return undefined;
      headed = found;
      return new Date(found.start).toISOString();
    },
    /** Takes a day for headed. */
    skip: (at: string): void => {
      headed = dayOf(at);
    },
  };
}

/** How many messages came in after one. */
export function countNewer(thread: ThreadPages | undefined, than: Pick<Message, "id" | "timestamp">): number {
  let count = 0;
  for (const page of thread?.pages ?? []) {
    for (const message of page.data) {
      if (!isNewer(message, than)) return count;
      if (message.direction === "inbound") count += 1;
    }
  }
  return count;
}
