/** Joins the live connection to what is shown: while the app's pages are open there is one. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useAtomValue, useStore } from "jotai";
import { useEffect, useMemo } from "react";
import { onReachability } from "./api/client";
import { startLive } from "./live";
import { newEffects } from "./live-effects";
import { fetchPresence } from "./live-transport";
import { claimDrafts } from "./state/drafts";
import { connectionAtom, liveAtom, presenceAtom, type TypingEntry, typingEntriesAtom } from "./state/live";
import { isOnlineAtom } from "./state/online";
import { checkSession, identityOf, useSession } from "./state/session";
import { takeTurn } from "./state/turn";

/** Who types says so again within it. */
const TYPING_LIFE_MS = 6_000;
const TYPING_AGAIN_MS = 3_000;
const TYPING_IDLE_MS = 4_000;

type Store = ReturnType<typeof useStore>;

export function useLive(): void {
  const client = useQueryClient();
  const store = useStore();
  const router = useRouter();
  const identity = identityOf(useSession());
  useEffect(() => {
    // Another person's turn begins with an empty memory. Both are told whose it is.
    const isAnothers = takeTurn(identity);
    if (claimDrafts(identity) || isAnothers) {
      location.reload();
      return;
    }
    return joinLive(client, store, () => void router.invalidate());
  }, [client, store, router, identity]);
}

function joinLive(client: QueryClient, store: Store, onEnded: () => void): () => void {
  const effects = newEffects(client);
  const typing = newTyping(store);
  const live = startLive({
    onEvent: effects.take,
    onReload: effects.reload,
    onOpen: () => {
      store.set(isOnlineAtom, true);
      effects.recover();
      fetchPresence().then(
        (found) => store.set(presenceAtom, found),
        () => {},
      );
    },
    onTyping: (frame) => typing.take({ conversation: frame.conversationId, userName: frame.userName }, frame.isTyping),
    onPresence: ({ userName, isOnline }) => store.set(presenceAtom, (before) => new Map(before).set(userName, isOnline)),
    onConnection: (connection) => store.set(connectionAtom, connection),
    checkSession: () => checkSession(client),
    onEnded: (check) => (check === "another" ? location.reload() : onEnded()),
  });
  const reached = onReachability((isReached) => store.set(isOnlineAtom, isReached));
  const onVisible = () => document.visibilityState === "visible" && live.wake();
  const onOnline = () => live.wake(true);
  document.addEventListener("visibilitychange", onVisible);
  addEventListener("online", onOnline);
  store.set(liveAtom, live);
  return () => {
    document.removeEventListener("visibilitychange", onVisible);
    removeEventListener("online", onOnline);
    reached();
    live.stop();
    effects.stop();
    typing.stop();
    store.set(liveAtom, undefined);
    store.set(presenceAtom, new Map());
  };
}

/** Who types stops by saying so, or by silence. */
function newTyping(store: Store) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const drop = (isDropped: (entry: TypingEntry) => boolean) =>
    store.set(typingEntriesAtom, (entries) => (entries.some(isDropped) ? entries.filter((entry) => !isDropped(entry)) : entries));
  const expire = () => {
    drop((entry) => entry.until <= Date.now());
    const next = Math.min(...store.get(typingEntriesAtom).map((entry) => entry.until));
    timer = Number.isFinite(next) ? setTimeout(expire, next - Date.now()) : undefined;
  };
  return {
    take: ({ conversation, userName }: Pick<TypingEntry, "conversation" | "userName">, isTyping: boolean) => {
      const isSame = (entry: TypingEntry) => entry.conversation === conversation && entry.userName === userName;
      if (!isTyping) return drop(isSame);
      const until = Date.now() + TYPING_LIFE_MS;
      store.set(typingEntriesAtom, (entries) =>
        entries.some(isSame)
          ? entries.map((entry) => (isSame(entry) ? { ...entry, until } : entry))
          : [...entries, { conversation, userName, until }],
      );
      timer ??= setTimeout(expire, TYPING_LIFE_MS);
    },
    stop: () => {
      clearTimeout(timer);
      store.set(typingEntriesAtom, []);
    },
  };
}

/**
 * Tells the others of a conversation that the reader types there: call it with every change of the text, and with
 * `false` when it is sent or emptied. It ends by itself.
 */
export function useTyping(conversation: number): (isTyping?: boolean) => void {
  const live = useAtomValue(liveAtom);
  const tell = useMemo(
    () => newTypist((is_typing) => live?.say({ type: "typing", conversation_id: conversation, is_typing })),
    [live, conversation],
  );
  useEffect(() => () => tell(false), [tell]);
  return tell;
}

/** Says that somebody types no more often than others forget it, and that they stopped. */
function newTypist(say: (isTyping: boolean) => void): (isTyping?: boolean) => void {
  let toldAt: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return function tell(isTyping = true) {
    clearTimeout(timer);
    if (!isTyping) {
      if (toldAt !== undefined) say(false);
      toldAt = undefined;
      return;
    }
    timer = setTimeout(() => tell(false), TYPING_IDLE_MS);
    if (toldAt !== undefined && Date.now() - toldAt < TYPING_AGAIN_MS) return;
    toldAt = Date.now();
    say(true);
  };
}
