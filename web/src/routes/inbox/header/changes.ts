/** What can be done to a conversation, told to the server; what is shown follows its answer. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, done, type Schemas } from "../../../api/client";
import { type Conversation, labelsQuery } from "../../../api/conversations";
import { keys } from "../../../api/keys";
import { toastFailure } from "../../../parts/toasts";

/** Everything that shows how a conversation stands. */
function useTold(id: number) {
  const client = useQueryClient();
  return {
    put: (conversation: Conversation) => client.setQueryData(keys.conversationHead(id), conversation),
    stale: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: keys.conversationHead(id) }),
        client.invalidateQueries({ queryKey: keys.conversations }),
        client.invalidateQueries({ queryKey: keys.activity(id) }),
        client.invalidateQueries({ queryKey: keys.conversationMembers(id) }),
      ]),
  };
}

/** Opens, snoozes, closes, assigns; a group's name. */
export function useChange(id: number) {
  const { put, stale } = useTold(id);
  return useMutation({
    mutationFn: (change: Schemas["ConversationChange"]) => body(api.PATCH("/api/conversations/{id}", { params: { path: { id } }, body: change })),
    onSuccess: (conversation) => {
      put(conversation);
      void stale();
    },
  });
}

/** Puts a label on, or takes it off; one that is not there yet is made first. */
export function useLabels(id: number) {
  const client = useQueryClient();
  const { stale } = useTold(id);
  return useMutation({
    mutationFn: async (change: { add: number } | { remove: number } | { make: string }) => {
      if ("remove" in change) return done(api.DELETE("/api/conversations/{id}/labels/{label_id}", { params: { path: { id, label_id: change.remove } } }));
      const label = "make" in change ? (await body(api.POST("/api/labels", { body: { name: change.make } }))).id : change.add;
      if ("make" in change) void client.invalidateQueries({ queryKey: keys.labels });
      return done(api.PUT("/api/conversations/{id}/labels/{label_id}", { params: { path: { id, label_id: label } } }));
    },
    onSuccess: () => stale(),
    onError: (error) => {
      void client.invalidateQueries({ queryKey: labelsQuery.queryKey });
      toastFailure("The labels are as they were", error);
    },
  });
}

/** Takes a stranger's request on, or turns it down. */
export function useAnswerRequest(id: number) {
  const { stale } = useTold(id);
  return useMutation({
    mutationFn: async (answer: "accept" | "decline") => {
      const params = { params: { path: { id } } };
      await (answer === "accept" ? api.POST("/api/conversations/{id}/accept", params) : api.POST("/api/conversations/{id}/decline", params));
      return answer;
    },
    onSuccess: () => stale(),
  });
}

/** Takes somebody into a group, or out of it. */
export function useMembership(id: number) {
  const { stale } = useTold(id);
  return useMutation({
    mutationFn: (change: { add: string } | { remove: string }) =>
      "add" in change
        ? done(api.POST("/api/conversations/{id}/members", { params: { path: { id } }, body: { user_name: change.add } }))
        : done(api.DELETE("/api/conversations/{id}/members/{user_name}", { params: { path: { id, user_name: change.remove } } })),
    onSuccess: () => stale(),
  });
}
