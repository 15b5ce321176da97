/** Carries what was written to the server: in each conversation one after the other, until it is taken or refused. */
import type { QueryClient } from "@tanstack/react-query";
import type { createStore } from "jotai";
import { api, body } from "./api/client";
import { keys } from "./api/keys";
import { doubled } from "./api/backoff";
import { explain, Offline, Problem } from "./api/problem";
import { type Message, patchThread, type Thread } from "./api/thread";
import { allOutgoingAtom, hurriesAtom, isStale, longTrouble, type Outgoing, putOutgoingAtom, settleOutgoingAtom, tabId, type Trouble } from "./state/outgoing";
import { checkSession, identityOf, sessionQuery } from "./state/session";
import { hasTurn, isTurnChanging, parkTurn, takeTurn } from "./state/turn";

type Store = ReturnType<typeof createStore>;

const MOST_DELAY_MS = 15_000;
/** A server that has answered with faults for long is left in peace. */
const TROUBLE_DELAY_MS = 60_000;
/** What another window wrote is that one's to send, unless it is gone. */
const OTHER_TAB_MS = 10_000;
const STALE = "It waited here for a day, and may have been sent meanwhile. Look before you send it again.";

export interface Outbox {
  /** The server may be there again: nothing waits any longer. */
  wake: () => void;
  stop: () => void;
}

export function startOutbox(store: Store, client: QueryClient): Outbox {
  const running = new Set<number>();
  const sleeping = new Set<() => void>();
  /** Those who leave a message to another window: what becomes of that may make it their turn. */
  const yielding = new Set<() => void>();
  const stopped = new AbortController();

  const next = (conversation: number) =>
    store.get(allOutgoingAtom).find((entry) => entry.conversationId === conversation && entry.state !== "failed");
  /** Its writer may have left meanwhile, and it with them. */
  const isThere = ({ key }: Outgoing) => store.get(allOutgoingAtom).some((entry) => entry.key === key);

  async function carry(conversation: number): Promise<void> {
    let failures = 0;
    for (let entry = next(conversation); entry && !stopped.signal.aborted; entry = next(conversation)) {
      const rest = entry.tab === tabId() ? 0 : Date.parse(entry.at) + OTHER_TAB_MS - Date.now();
      if (rest > 0) {
        await sleep(rest, yielding);
      } else if (isStale(entry)) {
        store.set(putOutgoingAtom, { ...entry, state: "failed", error: STALE });
      } else if (!hasTurn(entry.owner) && !(await regain(entry.owner))) {
        if (entry.state !== "waiting" && isThere(entry)) store.set(putOutgoingAtom, { ...entry, state: "waiting" });
        await sleep(delay(failures++));
      } else if (isThere(entry) && !stopped.signal.aborted) {
        const error = await attempt(entry);
        failures = error === undefined ? 0 : failures + 1;
        if (error !== undefined) await sleep(wait(entry, error, failures - 1));
      }
    }
  }

  /** Gives what went wrong, where it may pass. */
  async function attempt(entry: Outgoing): Promise<unknown> {
    if (entry.state !== "sending") store.set(putOutgoingAtom, { ...entry, state: "sending" });
    try {
      const message = await post(entry);
      take(client, entry, message);
      store.set(settleOutgoingAtom, { key: entry.key, message });
      return undefined;
    } catch (error) {
      if (error instanceof Problem && error.status === 401 && hasTurn(entry.owner)) parkTurn();
      if (isPassing(error)) return error;
      if (isThere(entry)) store.set(putOutgoingAtom, { ...entry, state: "failed", error: reason(error), trouble: undefined });
      return undefined;
    }
  }

  /** Lets it wait, and those behind it; gives how long. */
  function wait(entry: Outgoing, error: unknown, failures: number): number {
    const since = entry.trouble?.since ?? Date.now();
    const isLong = longTrouble(entry, Date.now()) !== undefined;
    const ms = isFault(error) && isLong ? Math.max(delay(0, error), TROUBLE_DELAY_MS) : delay(failures, error);
    const trouble: Trouble | undefined = isFault(error) ? { since, nextAt: Date.now() + ms, error: explain(error) } : undefined;
    for (const behind of store.get(allOutgoingAtom)) {
      if (behind.key === entry.key) store.set(putOutgoingAtom, { ...behind, state: "waiting", trouble });
      else if (behind.conversationId === entry.conversationId && behind.state === "sending") store.set(putOutgoingAtom, { ...behind, state: "waiting" });
    }
    return ms;
  }

  /** Asks the server whose session it is now, where it may have become another's. */
  async function regain(owner: string): Promise<boolean> {
    if (isTurnChanging() || (await checkSession(client)) !== "good") return false;
    const session = client.getQueryData(sessionQuery.queryKey);
    if (!session || identityOf(session) !== owner || isTurnChanging()) return false;
    takeTurn(owner);
    return true;
  }

  function sleep(ms: number, among = sleeping): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        among.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      among.add(end);
    });
  }

  function look(): void {
    endAll(yielding);
    for (const { conversationId, state } of store.get(allOutgoingAtom)) {
      if (state === "failed" || running.has(conversationId)) continue;
      running.add(conversationId);
      void carry(conversationId).finally(() => {
        running.delete(conversationId);
        if (!stopped.signal.aborted) look();
      });
    }
  }

  const wake = () => endAll(sleeping);
  const unsubscribe = [store.sub(allOutgoingAtom, look), store.sub(hurriesAtom, wake)];
  look();
  return {
    wake,
    stop: () => {
      stopped.abort();
      for (const end of unsubscribe) end();
      endAll(yielding);
      wake();
    },
  };
}

function endAll(those: ReadonlySet<() => void>): void {
  for (const end of Array.from(those)) end();
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

/** Whether the server was reached, and it is its own fault. */
function isFault(error: unknown): boolean {
  if (error instanceof Offline) return false;
  return !(error instanceof Problem) || error.status < 400 || error.status >= 500;
}

function delay(failures: number, error?: unknown): number {
  const asked = error instanceof Problem ? (error.retryAfter ?? 0) * 1000 : 0;
  return Math.max(asked, doubled(1_000, failures, MOST_DELAY_MS));
}

/** What is wrong, with each field's own sentence. */
function reason(error: unknown): string {
  if (!(error instanceof Problem) || error.errors.length === 0) return explain(error);
  return error.errors.map(({ field, message }) => `${field.charAt(0).toUpperCase()}${field.slice(1)}: ${message}`).join("; ");
}
