/** The texts that were sent, as contract B lists them, and where each stands. */
import { infiniteQueryOptions, type QueryClient, queryOptions } from "@tanstack/react-query";
import { api, body, type Page, pages, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import type { Status } from "../../parts/status";

export type SentText = Schemas["SentText"];

const PAGE = 100;
/** So many of a phone's newest messages are asked where they stand. */
const NEWEST = 200;

export const sentTextsQuery = infiniteQueryOptions({
  queryKey: keys.sentTexts,
  ...pages<SentText>(async (cursor, signal) => {
    const { data = [], response } = await api.GET("/messages", { signal, params: { query: { limit: PAGE, cursor } } });
    return { data, next_cursor: nextCursor(response.headers.get("link")) };
  }),
});

/** The cursor in `<..?cursor=..>; rel="next"`. */
export function nextCursor(link: string | null): string | null {
  const target = link?.match(/<([^>]*)>\s*;\s*rel="?next"?/)?.[1];
  return target === undefined ? null : new URL(target, "http://here").searchParams.get("cursor");
}

/** Puts a text that was just sent where the next reading will find it. */
export function addSentText(client: QueryClient, text: SentText): void {
  client.setQueryData(sentTextsQuery.queryKey, (kept) => {
    const first = kept?.pages[0];
    if (!kept || !first || kept.pages.some((page) => page.data.some((other) => other.message_id === text.message_id))) return kept;
    const newest: Page<SentText> = { ...first, data: [text, ...first.data] };
    return { ...kept, pages: [newest, ...kept.pages.slice(1)] };
  });
}

export interface Standing {
  status: Status;
  reason: string | undefined;
}

/** Contract B's rows do not say where they stand; the conversations with that phone do. */
export function standingsQuery(phone: string) {
  return queryOptions({ queryKey: keys.sentStatuses(phone), queryFn: ({ signal }) => fetchStandings(phone, signal) });
}

async function fetchStandings(phone: string, signal: AbortSignal): Promise<ReadonlyMap<number, Standing>> {
  const participant = phone.split(",")[0] ?? phone;
  const { data: conversations } = await body(api.GET("/api/conversations", { signal, params: { query: { participant, limit: 10 } } }));
  const texted = conversations.filter(({ channels }) => channels.includes("sms") || channels.includes("mms"));
  const query = { order: "desc", limit: NEWEST } as const;
  const lists = await Promise.all(
    texted.map(({ id }) => body(api.GET("/api/conversations/{id}/messages", { signal, params: { path: { id }, query } }))),
  );
  const sent = lists.flatMap((list) => list.data).filter((message) => message.direction === "outbound");
  return new Map(sent.map((message) => [message.id, { status: message.status, reason: message.status_reason ?? undefined }]));
}
