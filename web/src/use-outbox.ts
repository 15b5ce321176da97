/** The outbox works as long as the app's pages are open. */
import { useQueryClient } from "@tanstack/react-query";
import { useStore } from "jotai";
import { useEffect } from "react";
import { startOutbox } from "./outbox";
import { isOnlineAtom } from "./state/online";
import { claimOutgoingAtom } from "./state/outgoing";
import { identityOf, useSession } from "./state/session";

export function useOutbox(): void {
  const client = useQueryClient();
  const store = useStore();
  const identity = identityOf(useSession());
  useEffect(() => {
    store.set(claimOutgoingAtom, identity);
    const outbox = startOutbox(store, client);
    const onReached = store.sub(isOnlineAtom, () => store.get(isOnlineAtom) && outbox.wake());
    addEventListener("online", outbox.wake);
    return () => {
      removeEventListener("online", outbox.wake);
      onReached();
      outbox.stop();
    };
  }, [client, store, identity]);
}
