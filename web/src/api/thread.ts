/** The messages of a conversation as they are kept here: the newest page first, each page from new to old. */
import { type InfiniteData, infiniteQueryOptions, type QueryClient } from "@tanstack/react-query";
import { api, body, type Page, pages, type Schemas } from "./client";
import { keys } from "./keys";
import { Problem } from "./problem";

export type Message = Schemas["Message"];
export type Thread = InfiniteData<Page<Message>, string | undefined>;

/** What is seen first comes soon, what is scrolled back to in larger pieces. */
const PAGE = 50;
const OLDER = 200;
const KEPT = 2;
/** Of more changed messages than these the newest pages are read instead, as far back as those reach that are new here. */
const MOST_SINGLE = 10;
const NEWEST = 200;
/** Of more pages than these all that was loaded is read anew. */
const MOST_PAGES = 5;

export function threadQuery(conversation: number) {
  return infiniteQueryOptions({
    queryKey: keys.messages(conversation),
    ...pages<Message>((cursor, signal) => fetchMessages(conversation, { cursor, limit: cursor === undefined ? PAGE : OLDER }, signal)),
  });
}

/** Forgets what was scrolled back to, so that coming back reads little anew. */
export function trimThread(client: QueryClient, conversation: number): void {
  client.setQueryData<Thread>(keys.messages(conversation), (thread) =>
    thread && thread.pages.length > KEPT ? { pages: thread.pages.slice(0, KEPT), pageParams: thread.pageParams.slice(0, KEPT) } : thread,
  );
}

function fetchMessages(id: number, query: { cursor?: string | undefined; limit: number }, signal?: AbortSignal): Promise<Page<Message>> {
  return body(api.GET("/api/conversations/{id}/messages", { signal, params: { path: { id }, query: { ...query, order: "desc" } } }));
}

/** Reads messages that changed and puts them where they belong, so that a long thread is never read anew as a whole. */
export async function refreshMessages(client: QueryClient, conversation: number, messages: readonly number[]): Promise<void> {
  const key = keys.messages(conversation);
  const patch = (fresh: readonly (Message | undefined)[]) => {
    const found = fresh.filter((message) => message !== undefined);
    client.setQueryData<Thread>(key, (thread) => thread && patchThread(thread, found));
  };
  // What is being read now may have been read before the change: it comes first, the change after it.
  await client.getQueryCache().find({ queryKey: key, fetchStatus: "fetching" })?.promise?.catch(() => {});
  if (!client.getQueryData<Thread>(key)) return client.invalidateQueries({ queryKey: key });
  try {
    let rest = messages;
    if (messages.length > MOST_SINGLE) {
      const known = idsOf(client.getQueryData<Thread>(key));
      const oldest = Math.min(...known);
      // One from before the oldest that was loaded is read when it is scrolled to.
      const missed = messages.filter((message) => !known.has(message) && message > oldest);
      const fresh = await fetchBack(conversation, missed);
      if (!fresh) return await client.invalidateQueries({ queryKey: key });
      patch(fresh);
      const read = new Set(fresh.map((message) => message.id));
      rest = messages.filter((message) => known.has(message) && !read.has(message));
    }
    for (let from = 0; from < rest.length; from += MOST_SINGLE) {
      patch(await Promise.all(rest.slice(from, from + MOST_SINGLE).map((message) => fetchMessage(conversation, message))));
    }
  } catch {
    await client.invalidateQueries({ queryKey: key });
  }
}

/** The newest messages, as far back as all of those; nothing when that is too far. */
async function fetchBack(conversation: number, wanted: readonly number[]): Promise<Message[] | undefined> {
  const found: Message[] = [];
  const missing = new Set(wanted);
  let cursor: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const page = await fetchMessages(conversation, { cursor, limit: NEWEST });
    found.push(...page.data);
    for (const { id } of page.data) missing.delete(id);
    if (missing.size === 0 || !page.next_cursor) return found;
    cursor = page.next_cursor;
  }
  return undefined;
}

function idsOf(thread: Thread | undefined): Set<number> {
  return new Set(thread?.pages.flatMap((page) => page.data.map((message) => message.id)));
}

async function fetchMessage(id: number, mid: number): Promise<Message | undefined> {
  try {
    return await body(api.GET("/api/conversations/{id}/messages/{mid}", { params: { path: { id, mid } } }));
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return undefined;
    throw error;
  }
}

/** Replaces messages that are there, and inserts those that are new, except before the oldest that was loaded. */
export function patchThread(thread: Thread, fresh: readonly Message[]): Thread {
  const byId = new Map(fresh.map((message) => [message.id, message]));
  const patched = thread.pages.map((page) => {
    if (!page.data.some((message) => byId.has(message.id))) return page;
    const data = page.data.map((message) => {
      const newer = byId.get(message.id);
      byId.delete(message.id);
      return newer ?? message;
    });
    return { ...page, data };
  });
  for (const message of byId.values()) insert(patched, message);
  return { ...thread, pages: patched };
}

function insert(patched: Page<Message>[], message: Message): void {
  for (const [index, page] of patched.entries()) {
    const isLast = index === patched.length - 1;
    const place = page.data.findIndex((other) => isNewer(message, other));
    const isEnd = isLast && place === -1 && !page.next_cursor;
    if (place === -1 && !isEnd) continue;
    const at = place === -1 ? page.data.length : place;
    patched[index] = { ...page, data: page.data.toSpliced(at, 0, message) };
    return;
  }
}

/** By time, then by id. All times are in one form, so that they compare as text. */
export function isNewer(one: Pick<Message, "id" | "timestamp">, other: Pick<Message, "id" | "timestamp">): boolean {
  return one.timestamp === other.timestamp ? one.id > other.id : one.timestamp > other.timestamp;
}
