/** What follows a right code: nothing of the last one is kept, and the person goes where they wanted to. */
import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useCallback } from "react";
import { endSession, forgetSession } from "../../state/session";

/** Goes on to `next`, a path of the app, as whoever the session's cookie says. */
export function useGoOn(next: string | undefined): () => Promise<void> {
  const client = useQueryClient();
  const router = useRouter();
  return useCallback(async () => {
    forgetSession(client);
    router.history.push(next ?? "/inbox");
    await router.load();
  }, [client, router, next]);
}

/** In `dev`: drops the session, or what is pending of one, and goes on as the local operator. */
export function useGoOnAsOperator(next: string | undefined): () => Promise<void> {
  const goOn = useGoOn(next);
  return useCallback(async () => {
    await endSession();
    await goOn();
  }, [goOn]);
}
