/** Carries what was written to the server: in each conversation one after the other, until it is taken or refused. */
import type { QueryClient } from "@tanstack/react-query";
import type { createStore } from "jotai";
import { api, body } from "./api/client";
import { keys } from "./api/keys";
import { explain, Problem } from "./api/problem";
import { type Message, patchThread, type Thread } from "./api/thread";
import { allOutgoingAtom, isStale, type Outgoing, putOutgoingAtom, settleOutgoingAtom, tabId } from "./state/outgoing";

type Store = ReturnType<typeof createStore>;

const MOST_DELAY_MS = 15_000;
/** What another window wrote is that one's to send, unless it is gone. */
const OTHER_TAB_MS = 10_000;

export interface Outbox {
  /** The server may be there again: nothing waits any longer. */
  wake: () => void;
  stop: () => void;
}

export function startOutbox(store: Store, client: QueryClient): Outbox {
  const running = new Set<number>();
  const sleeping = new Set<() => void>();
  const stopped = new AbortController();

  const next = (conversation: number) =>
    store.get(allOutgoingAtom).find((entry) => entry.conversationId === conversation && entry.state !== "failed");

  async function carry(conversation: number): Promise<void> {
    let failures = 0;
    for (let entry = next(conversation); entry && !stopped.signal.aborted; entry = next(conversation)) {
      const rest = entry.tab === tabId() ? 0 : Date.parse(entry.at) + OTHER_TAB_MS - Date.now();
      if (rest > 0) {
        await sleep(rest);
        continue;
      }
      if (isStale(entry)) {
        const error = "It waited here for a day, and may have been sent meanwhile. Look before you send it again.";
        store.set(putOutgoingAtom, { ...entry, state: "failed", error });
        continue;
      }
      if (entry.state !== "sending") store.set(putOutgoingAtom, { ...entry, state: "sending" });
      try {
        const message = await post(entry);
        failures = 0;
        take(client, entry, message);
        store.set(settleOutgoingAtom, { key: entry.key, message });
      } catch (error) {
        if (isPassing(error)) {
          for (const behind of store.get(allOutgoingAtom)) {
            if (behind.conversationId === conversation && behind.state === "sending") store.set(putOutgoingAtom, { ...behind, state: "waiting" });
          }
          await sleep(delay(failures++, error));
        } else {
          failures = 0;
          // Its writer may have left meanwhile, and it with them.
          const isThere = store.get(allOutgoingAtom).some(({ key }) => key === entry?.key);
          if (isThere) store.set(putOutgoingAtom, { ...entry, state: "failed", error: reason(error) });
        }
      }
    }
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        sleeping.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      sleeping.add(end);
    });
  }

  function look(): void {
    for (const { conversationId, state } of store.get(allOutgoingAtom)) {
      if (state === "failed" || running.has(conversationId)) continue;
      running.add(conversationId);
      void carry(conversationId).finally(() => {
        running.delete(conversationId);
        if (!stopped.signal.aborted) look();
      });
    }
  }

  const wake = () => {
    for (const end of Array.from(sleeping)) end();
  };
  const unsubscribe = store.sub(allOutgoingAtom, look);
  look();
  return {
    wake,
    stop: () => {
      stopped.abort();
      unsubscribe();
      wake();
    },
  };
}

async function post({ key, conversationId, request }: Outgoing): Promise<Message> {
  const header = { "Idempotency-Key": key };
  switch (request.route) {
    case "reply":
      return body(api.POST("/api/conversations/{id}/messages", { params: { path: { id: conversationId }, header }, body: request.body }));
    case "sms":
      return body(api.POST("/api/messages/sms", { params: { header }, body: request.body }));
    case "email":
      return body(api.POST("/api/messages/email", { params: { header }, body: request.body }));
  }
}

/** The message stands in the thread before its row goes. */
function take(client: QueryClient, entry: Outgoing, message: Message): void {
  client.setQueryData<Thread>(keys.messages(entry.conversationId), (thread) => thread && patchThread(thread, [message]));
  void client.invalidateQueries({ queryKey: keys.conversations });
  void client.invalidateQueries({ queryKey: keys.conversationHead(entry.conversationId) });
  if (message.conversation_id !== entry.conversationId) void client.invalidateQueries({ queryKey: keys.conversation(message.conversation_id) });
}

/**
 * Whether the same request may be taken later. Only the server's own word that it will not is final: whatever else went
 * wrong, it may have the message, and its key sees to it that it is taken once.
 */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Problem)) return true;
  if (error.status < 400 || error.status >= 500) return true;
  return [401, 408, 429].includes(error.status) || (error.status === 409 && error.retryAfter !== undefined);
}

function delay(failures: number, error: unknown): number {
  const asked = error instanceof Problem ? (error.retryAfter ?? 0) * 1000 : 0;
  return Math.max(asked, Math.min(1000 * 2 ** failures, MOST_DELAY_MS));
}

/** What is wrong, with each field's own sentence. */
function reason(error: unknown): string {
  if (!(error instanceof Problem) || error.errors.length === 0) return explain(error);
  return error.errors.map(({ field, message }) => `${field.charAt(0).toUpperCase()}${field.slice(1)}: ${message}`).join("; ");
}
