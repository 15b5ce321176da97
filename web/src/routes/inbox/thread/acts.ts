/** What can be done with a message, and what is known of it at once when it was. */
import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, done } from "../../../api/client";
import { keys } from "../../../api/keys";
import { type Message, patchThread, refreshMessages, type Thread } from "../../../api/thread";
import { explain } from "../../../api/problem";
import { toastFailure } from "../../../parts/toasts";

const EDIT_FOR_MS = 15 * 60_000;

/** Puts what the server answered where the message stands. */
function show(client: QueryClient, conversation: number, message: Message): void {
  client.setQueryData<Thread>(keys.messages(conversation), (thread) => thread && patchThread(thread, [message]));
  void client.invalidateQueries({ queryKey: keys.message(conversation, message.id) });
  void client.invalidateQueries({ queryKey: keys.conversations });
}

function pathOf(message: Message) {
  return { id: message.conversation_id, mid: message.id };
}

/** `conversation` is the one that is shown, which a joined one's messages stand in too. */
export function useMessageActs(conversation: number, message: Message) {
  const client = useQueryClient();
  const path = pathOf(message);
  const onSuccess = (answer: Message) => show(client, conversation, answer);
  const replay = useMutation({
    mutationFn: () => body(api.POST("/api/conversations/{id}/messages/{mid}/replay", { params: { path } })),
    onSuccess,
    onError: (error) => toastFailure("It was not sent again", error),
  });
  const cancel = useMutation({
    mutationFn: () => body(api.POST("/api/conversations/{id}/messages/{mid}/cancel", { params: { path } })),
    onSuccess,
    onError: (error) => {
      toastFailure("It could not be cancelled", error);
      void refreshMessages(client, conversation, [message.id]);
    },
  });
  const edit = useMutation({
    mutationFn: (text: string) => body(api.PATCH("/api/conversations/{id}/messages/{mid}", { params: { path }, body: { body: text } })),
    onSuccess,
  });
  const takeBack = useMutation({
    mutationFn: () => done(api.DELETE("/api/conversations/{id}/messages/{mid}", { params: { path } })),
    onSuccess: () => {
      void refreshMessages(client, conversation, [message.id]);
      void client.invalidateQueries({ queryKey: keys.conversations });
    },
  });
  const react = useMutation({
    mutationFn: ({ emoji, isOn }: { emoji: string; isOn: boolean }) => {
      const params = { path: { ...path, emoji } };
      return isOn
        ? body(api.PUT("/api/conversations/{id}/messages/{mid}/reactions/{emoji}", { params }))
        : body(api.DELETE("/api/conversations/{id}/messages/{mid}/reactions/{emoji}", { params }));
    },
    onSuccess,
    onError: (error) => toastFailure("The reaction was not kept", error),
  });
  return { replay, cancel, edit, takeBack, react };
}

export type MessageActs = ReturnType<typeof useMessageActs>;

/** Why a form was refused; the field's own sentence where there is one. */
export function whyNot(error: unknown): string | undefined {
  return error ? explain(error) : undefined;
}

export function isEditable(message: Message, now: number): boolean {
  return message.type === "chat" && !message.deleted_at && now - Date.parse(message.created_at) < EDIT_FOR_MS;
}
