/** What was done to the conversation, in a line; an internal note as a card that no message looks like. */
import { MessageText } from "../../../parts/message-text";
import { StickyNote } from "lucide-react";
import type { ReactNode } from "react";
import { Time } from "../../../parts/time";
import { nameOfActor } from "../names";
import type { Activity } from "./rows";

export function ActivityLine({ activity, me }: { activity: Activity; me: string | undefined }) {
  const actor = nameOfActor(activity.actor, me);
  if (activity.kind === "note" && activity.note) {
    return (
      <div className="my-1.5 rounded-lg border border-dashed border-warn bg-warn-soft px-3 py-2">
        <div className="mb-0.5 flex items-center gap-1.5 text-xs font-medium text-warn">
          <StickyNote aria-hidden="true" className="size-3.5" />
          <span>
            Internal note · <bdi>{actor}</bdi>
          </span>
          <Time at={activity.at} className="ms-auto font-normal" />
        </div>
        <MessageText text={activity.note.body} />
      </div>
    );
  }
  return (
    <p className="my-1 flex flex-wrap items-baseline justify-center gap-x-1.5 py-1 text-center text-xs text-ink-muted">
      <span className="min-w-0 break-words">
        <bdi className="font-medium">{actor}</bdi> {deedOf(activity, me)}
      </span>
      <Time at={activity.at} />
    </p>
  );
}

/** What was done, to follow who did it. */
export function deedOf(activity: Activity, me: string | undefined): ReactNode {
  switch (activity.kind) {
    case "state":
      if (activity.state === "closed") return "closed the conversation";
      if (activity.state === "snoozed") {
        const until = activity.snoozed_until ? ` until ${new Date(activity.snoozed_until).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}` : "";
        return `snoozed the conversation${until}`;
      }
      return "opened the conversation again";
    case "assignee":
      if (!activity.assignee) return "gave the conversation to nobody in particular";
      return (
        <>
          gave the conversation to <bdi>{activity.assignee === me ? "you" : activity.assignee}</bdi>
        </>
      );
    case "label_added":
      return (
        <>
          added the label <bdi>{activity.label?.name}</bdi>
        </>
      );
    case "label_removed":
      return (
        <>
          removed the label <bdi>{activity.label?.name}</bdi>
        </>
      );
    case "joined":
      return "joined another conversation of the same contact to this one";
    case "split":
      return "split a conversation off";
    case "note":
      return "wrote a note";
  }
}
