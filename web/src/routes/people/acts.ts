/** What can be done about somebody. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, body, done } from "../../api/client";
import { keys } from "../../api/keys";
import { toast, toastFailure } from "../../parts/toasts";

export type Act = "ask" | "takeBack" | "accept" | "decline" | "unfriend" | "block" | "unblock" | "chat";

const FAILED: Record<Act, string> = {
  ask: "They were not asked",
  takeBack: "Your request stays",
  accept: "The request was not accepted",
  decline: "The request was not declined",
  unfriend: "You are still friends",
  block: "They are not blocked",
  unblock: "They are still blocked",
  chat: "The chat could not be opened",
};

/** The things to do about one person, one at a time; what fails is said. */
export function usePersonActs(userName: string): { act: (act: Act) => void; running: Act | undefined } {
  const client = useQueryClient();
  const openChat = useOpenChat();
  const run = useMutation({
    mutationFn: async (act: Act) => {
      if (act === "chat") return openChat(userName);
      await perform(act, userName);
      await Promise.all([keys.friends, keys.friendRequests, keys.blocks, keys.conversations].map((queryKey) => client.invalidateQueries({ queryKey })));
    },
    onError: (error, act) => toastFailure(FAILED[act], error),
  });
  return {
    act: (act) => {
      if (!run.isPending) run.mutate(act);
    },
    running: run.isPending ? run.variables : undefined,
  };
}

async function perform(act: Exclude<Act, "chat">, userName: string): Promise<void> {
  const who = { params: { path: { user_name: userName } } };
  switch (act) {
    case "ask": {
      const { state } = await askFriend(userName);
      toast(state === "friends" ? `You and ${userName} are friends` : `${userName} is asked`);
      return;
    }
    case "accept":
      return done(api.POST("/api/friends/{user_name}/accept", who));
    case "decline":
      return done(api.POST("/api/friends/{user_name}/decline", who));
    case "unfriend":
    case "takeBack":
      return done(api.DELETE("/api/friends/{user_name}", who));
    case "block":
      return done(api.PUT("/api/blocks/{user_name}", who));
    case "unblock":
      return done(api.DELETE("/api/blocks/{user_name}", who));
  }
}

/** Asks somebody to be friends; if they have asked already, both are. */
export function askFriend(userName: string) {
  return body(api.POST("/api/friends", { body: { user_name: userName } }));
}

/** Goes to the one chat with somebody, which begins if there is none. */
function useOpenChat(): (userName: string) => Promise<void> {
  const client = useQueryClient();
  const navigate = useNavigate();
  return async (userName) => {
    const chat = await body(api.POST("/api/conversations", { body: { kind: "direct", user_name: userName } }));
    await client.invalidateQueries({ queryKey: keys.conversations });
    await navigate({ to: "/inbox/$conversationId", params: { conversationId: String(chat.id) } });
  };
}
