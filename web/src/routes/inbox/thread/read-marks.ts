/** Tells the server how far the conversation was read: what was seen, and only while the window is. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { api, done } from "../../../api/client";
import { keys } from "../../../api/keys";
import { isAgent, type Session, useSession } from "../../../state/session";
import { type Conversation, usernameOf } from "../names";
import type { Row } from "./rows";

/** What was accepted last may claim an earlier time, and stand a little before the end. */
const LOOK_BACK = 50;

function subscribe(listener: () => void): () => void {
  document.addEventListener("visibilitychange", listener);
  return () => document.removeEventListener("visibilitychange", listener);
}

/** The newest message, by the order of acceptance, of those down to a row. */
export function seenUpTo(rows: readonly Row[], lastSeen: number): number | undefined {
  const isEnd = lastSeen >= rows.length - 1;
  let newest: number | undefined;
  for (let index = Math.min(lastSeen, rows.length - 1); index >= Math.max(0, lastSeen - LOOK_BACK); index -= 1) {
    const row = rows[index];
    if (row?.kind !== "message") continue;
    if (newest === undefined || row.message.id > newest) newest = row.message.id;
    if (!isEnd) break;
  }
  return newest;
}

/** A stranger learns nothing before their request is accepted, and nobody marks for others. */
export function maybeRead(conversation: Pick<Conversation, "kind" | "participants" | "is_request">, session: Session): boolean {
  if (conversation.is_request) return false;
  if (conversation.kind === "numbers") return isAgent(session);
  const me = usernameOf(session);
  return me !== undefined && conversation.participants.includes(me);
}

export function useReadMarks(conversation: Conversation, rows: readonly Row[], lastSeen: number): void {
  const { id, unread_count: unread } = conversation;
  const client = useQueryClient();
  const session = useSession();
  const isVisible = useSyncExternalStore(subscribe, () => document.visibilityState === "visible");
  const told = useRef(0);
  const upTo = seenUpTo(rows, lastSeen);
  const isDue = isVisible && unread > 0 && upTo !== undefined && maybeRead(conversation, session);

  useEffect(() => {
    if (!isDue || upTo === undefined || upTo <= told.current) return;
    const before = told.current;
    told.current = upTo;
    done(api.POST("/api/conversations/{id}/read", { params: { path: { id } }, body: { last_message_id: upTo } })).then(
      () => {
        void client.invalidateQueries({ queryKey: keys.conversations });
        void client.invalidateQueries({ queryKey: keys.conversationHead(id) });
      },
      () => {
        // It is told with the next message that is seen, or when the conversation is opened again.
        told.current = before;
      },
    );
  }, [isDue, upTo, id, client]);
}
