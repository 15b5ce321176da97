/** What can be done with a message, and what is known of it at once when it was. */
import { MutationObserver, type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { api, body, done } from "../../../api/client";
import { keys } from "../../../api/keys";
import { explain } from "../../../api/problem";
import { type Message, patchThread, refreshMessages, type Thread } from "../../../api/thread";

const EDIT_FOR_MS = 15 * 60_000;

export interface MessageActs {
  replay: (message: Message) => Promise<void>;
  cancel: (message: Message) => Promise<void>;
  edit: (message: Message, text: string) => Promise<void>;
  takeBack: (message: Message) => Promise<void>;
  react: (message: Message, emoji: string, isOn: boolean) => Promise<void>;
}

function pathOf(message: Message) {
  return { id: message.conversation_id, mid: message.id };
}

/**
 * `conversation` is the one that is shown, in which messages of a joined one stand too. Every row has its acts, and few
 * are ever used: nothing is watched until one is.
 */
function newActs(client: QueryClient, conversation: number): MessageActs {
  const run = <T>(mutationFn: () => Promise<T>): Promise<T> => new MutationObserver(client, { mutationFn }).mutate();
  const show = (message: Message) => {
    client.setQueryData<Thread>(keys.messages(conversation), (thread) => thread && patchThread(thread, [message]));
    void client.invalidateQueries({ queryKey: keys.message(conversation, message.id) });
    void client.invalidateQueries({ queryKey: keys.conversations });
  };
  return {
    replay: async (message) => show(await run(() => body(api.POST("/api/conversations/{id}/messages/{mid}/replay", { params: { path: pathOf(message) } })))),
    cancel: async (message) => {
      try {
        show(await run(() => body(api.POST("/api/conversations/{id}/messages/{mid}/cancel", { params: { path: pathOf(message) } }))));
      } catch (error) {
        // It was sent meanwhile: that is to be seen.
        void refreshMessages(client, conversation, [message.id]);
        throw error;
      }
    },
    edit: async (message, text) =>
      show(await run(() => body(api.PATCH("/api/conversations/{id}/messages/{mid}", { params: { path: pathOf(message) }, body: { body: text } })))),
    takeBack: async (message) => {
      await run(() => done(api.DELETE("/api/conversations/{id}/messages/{mid}", { params: { path: pathOf(message) } })));
      void client.invalidateQueries({ queryKey: keys.conversations });
      await refreshMessages(client, conversation, [message.id]);
    },
    react: async (message, emoji, isOn) => {
      const params = { path: { ...pathOf(message), emoji } };
      const path = "/api/conversations/{id}/messages/{mid}/reactions/{emoji}";
      show(await run(() => (isOn ? body(api.PUT(path, { params })) : body(api.DELETE(path, { params })))));
    },
  };
}

export function useMessageActs(conversation: number): MessageActs {
  const client = useQueryClient();
  return useMemo(() => newActs(client, conversation), [client, conversation]);
}

/** Whether something that was begun here is still under way, and why it failed. */
export function useAct() {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = useCallback(async (act: () => Promise<void>, onDone?: () => void) => {
    setBusy(true);
    setError(undefined);
    try {
      await act();
      onDone?.();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }, []);
  return { run, isBusy, error, reason: error === undefined ? undefined : explain(error) };
}

/** One may change what one said for a while. */
export function isEditable(message: Message, now: number): boolean {
  return message.type === "chat" && !message.deleted_at && now - Date.parse(message.created_at) < EDIT_FOR_MS;
}
