/** What happened to one message, as the server tells it. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "../../../api/client";
import { keys } from "../../../api/keys";
import type { Message } from "../../../api/thread";

/** `conversation` is the one that is shown, under which changes are told. */
export function timelineQuery(conversation: number, message: Pick<Message, "id" | "conversation_id">) {
  return queryOptions({
    queryKey: keys.timeline(conversation, message.id),
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/conversations/{id}/messages/{mid}/timeline", {
          signal,
          params: { path: { id: message.conversation_id, mid: message.id } },
        }),
      ),
  });
}

export function messageQuery(conversation: number, id: number) {
  return queryOptions({
    queryKey: [...keys.message(conversation, id), "whole"],
    queryFn: ({ signal }) =>
      body(api.GET("/api/conversations/{id}/messages/{mid}", { signal, params: { path: { id: conversation, mid: id } } })),
  });
}
