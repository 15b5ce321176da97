/** What a change at the server means to what is shown here: the smallest part that is to be read anew, and never more often than it can be read. */
import { hashKey, type QueryClient, type QueryKey } from "@tanstack/react-query";
import { keys } from "./api/keys";
import { refreshMessages } from "./api/thread";
import type { LiveEvent } from "./live-frames";

const EVERY_MS = 100;

/** What an event makes stale, its message aside. */
export function staleKeys({ type, conversationId: id, messageId, status }: LiveEvent): QueryKey[] {
  const stale: QueryKey[] = [];
  const message = id === undefined || messageId === undefined ? [] : [keys.message(id, messageId)];
  switch (type) {
    case "message.accepted":
      stale.push(keys.conversations, keys.sentTexts);
      if (id !== undefined) stale.push(keys.conversationHead(id));
      break;
    case "message.received":
      stale.push(keys.conversations);
      if (id !== undefined) stale.push(keys.conversationHead(id));
      break;
    case "message.status":
      stale.push(keys.conversations, keys.allSentStatuses, ...message);
      if (status === "dead") stale.push(keys.deadLetters);
      break;
    case "message.read":
      stale.push(keys.conversations, ...message);
      if (id !== undefined) stale.push(keys.conversationHead(id));
      break;
    case "message.edited":
    case "message.deleted":
      stale.push(keys.conversations, ...message);
      break;
    case "message.delivered":
    case "message.reaction":
      stale.push(...message);
      break;
    case "conversation.created":
      stale.push(keys.conversations);
      break;
    case "conversation.updated":
      stale.push(keys.conversations);
      if (id !== undefined) stale.push(keys.conversationHead(id), keys.activity(id), keys.notes(id), keys.conversationMembers(id));
      break;
    case "consent.changed":
      stale.push(keys.consents, keys.contacts);
      break;
    default:
      // A kind of event that this version does not know: what it is about may have changed in any way.
      if (id !== undefined) stale.push(keys.conversations, keys.conversation(id));
  }
  return stale;
}

/** The messages that an event is about; `undefined` for all of its conversation's. */
export function changedMessages(event: LiveEvent): readonly number[] | undefined {
  if (event.type.startsWith("message.")) {
    // Who answers for a number has read a conversation: no message looks different for it.
    if (event.messageIds.length > 0 || event.type === "message.read") return event.messageIds;
    return event.messageId === undefined ? undefined : [event.messageId];
  }
  return [];
}

export interface Effects {
  take: (event: LiveEvent) => void;
  /** Everything that is shown is read anew. */
  reload: () => void;
  /** The server is there again: what could not be read meanwhile is read now, and how it runs. */
  recover: () => void;
  stop: () => void;
}

export function newEffects(client: QueryClient): Effects {
  const stale = new Map<string, QueryKey>();
  const changed = new Map<number, Set<number> | "all">();
  const running = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let flushedAt = 0;

  function schedule(): void {
    timer ??= setTimeout(flush, Math.max(0, flushedAt + EVERY_MS - Date.now()));
  }

  function flush(): void {
    timer = undefined;
    flushedAt = Date.now();
    for (const [hash, key] of stale) {
      if (running.has(hash)) continue;
      stale.delete(hash);
      run(hash, () => client.invalidateQueries({ queryKey: key }));
    }
    for (const [conversation, messages] of changed) {
      const hash = hashKey(keys.messages(conversation));
      if (running.has(hash)) continue;
      changed.delete(conversation);
      run(hash, () =>
        messages === "all"
          ? client.invalidateQueries({ queryKey: keys.messages(conversation) })
          : refreshMessages(client, conversation, [...messages]),
      );
    }
  }

  /** While something is read it is not begun anew, else a busy server would never let it end; what changed meanwhile is read after it. */
  function run(hash: string, read: () => Promise<void>): void {
    running.add(hash);
    void read()
      .catch(() => {})
      .finally(() => {
        running.delete(hash);
        if (stale.size > 0 || changed.size > 0) schedule();
      });
  }

  return {
    take: (event) => {
      for (const key of staleKeys(event)) stale.set(hashKey(key), key);
      const messages = changedMessages(event);
      if (event.conversationId !== undefined && messages?.length !== 0) {
        const before = changed.get(event.conversationId);
        if (!messages || before === "all") changed.set(event.conversationId, "all");
        else changed.set(event.conversationId, new Set([...(before ?? []), ...messages]));
      }
      schedule();
    },
    reload: () => void client.invalidateQueries(),
    recover: () => {
      // The server may have been started anew meanwhile, as another version or with other settings.
      void client.invalidateQueries({ queryKey: keys.app });
      void client.invalidateQueries({ predicate: (query) => query.state.status === "error" || query.state.fetchFailureCount > 0 });
    },
    stop: () => clearTimeout(timer),
  };
}
