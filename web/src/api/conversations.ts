/** One conversation, and what there is to handle any of them with. */
import { queryOptions } from "@tanstack/react-query";
import { api, body, type Schemas } from "./client";
import { keys } from "./keys";

export type Conversation = Schemas["Conversation"];

/** The most that a list gives at once. */
const ALL = 200;

export function conversationQuery(id: number) {
  return queryOptions({
    queryKey: keys.conversationHead(id),
    queryFn: async ({ client, signal }) => {
      const conversation = await body(api.GET("/api/conversations/{id}", { signal, params: { path: { id } } }));
      // It is shown in another, which may be kept here as it was before: told to lead back, the two would never end.
      if (conversation.id !== id) client.setQueryData(keys.conversationHead(conversation.id), conversation);
      return conversation;
    },
  });
}

export function membersQuery(id: number) {
  return queryOptions({
    queryKey: keys.conversationMembers(id),
    queryFn: ({ signal }) => body(api.GET("/api/conversations/{id}/members", { signal, params: { path: { id } } })),
  });
}

/** Every label; a workspace has no more than one page of them. */
export const labelsQuery = queryOptions({
  queryKey: [...keys.labels, "all"],
  queryFn: async ({ signal }) => (await body(api.GET("/api/labels", { signal, params: { query: { limit: ALL } } }))).data,
});

/** Every saved reply, page after page. */
export const savedRepliesQuery = queryOptions({
  queryKey: keys.savedReplies,
  queryFn: async ({ signal }) => {
    const all: Schemas["SavedReply"][] = [];
    let cursor: string | undefined;
    do {
      const page = await body(api.GET("/api/saved-replies", { signal, params: { query: { limit: ALL, cursor } } }));
      all.push(...page.data);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return all.toSorted((one, other) => one.name.localeCompare(other.name));
  },
});

export function contactQuery(id: number) {
  return queryOptions({
    queryKey: keys.contact(id),
    queryFn: ({ signal }) => body(api.GET("/api/contacts/{id}", { signal, params: { path: { id } } })),
  });
}

/** What was said of one address, the newest first; the first of a channel is how it stands. */
export function consentsQuery(address: string) {
  return queryOptions({
    queryKey: [...keys.consentList(address), "newest"],
    queryFn: ({ signal }) => body(api.GET("/api/consents", { signal, params: { query: { address, limit: 20 } } })),
  });
}

/** How somebody of the workspace is called. */
export function personName(person: Pick<Schemas["Person"], "first_name" | "last_name" | "user_name">): string {
  return `${person.first_name} ${person.last_name}`.trim() || person.user_name;
}
