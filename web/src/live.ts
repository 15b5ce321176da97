/**
 * Live updates: keeps a connection to the server, and hears every change once and in order, across whatever breaks it.
 * What a change means to what is shown is `live-effects`' matter.
 */
import { doubled } from "./api/backoff";
import { type Frame, type LiveEvent, readFrame } from "./live-frames";
import { type Connect, connectEvents, connectSocket, type End, type Transport } from "./live-transport";
import type { Connection } from "./state/live";
import type { SessionCheck } from "./state/session";

export interface LiveDeps {
  onEvent: (event: LiveEvent) => void;
  /** What was read until now may be older than what will be heard: it is to be read anew. */
  onReload: () => void;
  /** It stands, for the first time or again. */
  onOpen: () => void;
  onTyping: (frame: Extract<Frame, { kind: "typing" }>) => void;
  onPresence: (frame: Extract<Frame, { kind: "presence" }>) => void;
  onConnection: (connection: Connection) => void;
  /** Asks the server whether whoever listens is still signed in. */
  checkSession: () => Promise<SessionCheck>;
  /** The session is over, or another's; nothing more is tried. */
  onEnded: (check: "ended" | "another") => void;
  connectSocket?: Connect;
  connectEvents?: Connect;
  /** Between 0 and 1. */
  random?: () => number;
}

export interface Live {
  say: (message: object) => void;
  /** Tries at once, if it waits. A connection that was silent for long is not believed, and none `isDoubtful`. */
  wake: (isDoubtful?: boolean) => void;
  stop: () => void;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A connection that lasted as long was a good one: the next failure is a first one. */
const GOOD_AFTER_MS = 5_000;
/** A connection that says nothing for as long is not believed after the computer slept. */
const SILENCE_MS = 60_000;
const OPEN_WITHIN_MS = 15_000;
/** After so many tries that never stood, the other way is tried. */
const TRIES_PER_WAY = 2;

/** How long to wait before a try: twice as long each time, and never the same for all clients of a server that went away. */
export function backoff(failures: number, random: number): number {
  return doubled(FIRST_DELAY_MS, failures, LONGEST_DELAY_MS) * (0.5 + random / 2);
}

export function startLive(deps: LiveDeps): Live {
  const { random = Math.random } = deps;
  const ways = [deps.connectSocket ?? connectSocket, deps.connectEvents ?? connectEvents] as const;
  let way: 0 | 1 = 0;
  let lastId: number | undefined;
  let failures = 0;
  let unopened = 0;
  let isStopped = false;
  let isOpen = false;
  let isWaiting = false;
  let transport: Transport | undefined;
  let heardAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function take(text: string): void {
    heardAt = Date.now();
    const frame = readFrame(text);
    if (!frame) return;
    switch (frame.kind) {
      case "hello":
        if (lastId !== undefined) return;
        lastId = frame.id;
        deps.onReload();
        return;
      case "reload":
        lastId = frame.id;
        deps.onReload();
        return;
      case "event":
        // What was heard before a connection broke may be told again after it.
        if (lastId !== undefined && frame.event.id <= lastId) return;
        lastId = frame.event.id;
        deps.onEvent(frame.event);
        return;
      case "typing":
        deps.onTyping(frame);
        return;
      case "presence":
        deps.onPresence(frame);
    }
  }

  function open(): void {
    isOpen = false;
    isWaiting = false;
    let openedAt: number | undefined;
    const current = ways[way](lastId, {
      onOpen: () => {
        clearTimeout(timer);
        isOpen = true;
        openedAt = Date.now();
        heardAt = openedAt;
        unopened = 0;
        deps.onConnection("live");
        deps.onOpen();
      },
      onText: take,
      onClose: (end) => lost(end, openedAt),
    });
    transport = current;
    timer = setTimeout(() => {
      current.close();
      lost({ isRefused: false, retryAfterMs: 0 }, undefined);
    }, OPEN_WITHIN_MS);
  }

  function lost(end: End, openedAt: number | undefined): void {
    clearTimeout(timer);
    transport = undefined;
    isOpen = false;
    if (isStopped) return;
    if (openedAt !== undefined && Date.now() - openedAt >= GOOD_AFTER_MS) failures = 0;
    deps.onConnection("waiting");
    if (end.isRefused || openedAt === undefined) void recheck(end, openedAt === undefined);
    else wait(end.retryAfterMs);
  }

  /** The browser does not tell why a connection was refused, so the session is asked about. */
  async function recheck(end: End, isUnopened: boolean): Promise<void> {
    const session = await deps.checkSession();
    if (isStopped) return;
    if (session === "ended" || session === "another") {
      stop();
      deps.onEnded(session);
      return;
    }
    // The server is there and yet nothing opened: something between may not let it through.
    if (isUnopened && session === "good") {
      unopened += 1;
      if (unopened % TRIES_PER_WAY === 0) way = way === 0 ? 1 : 0;
    }
    wait(end.retryAfterMs);
  }

  function wait(atLeastMs: number): void {
    const delay = Math.max(backoff(failures, random()), atLeastMs);
    failures += 1;
    isWaiting = true;
    timer = setTimeout(open, delay);
  }

  function stop(): void {
    isStopped = true;
    clearTimeout(timer);
    transport?.close();
    transport = undefined;
  }

  deps.onConnection("connecting");
  open();
  return {
    say: (message) => transport?.say(message),
    wake: (isDoubtful = false) => {
      const isSilent = isOpen && (isDoubtful || Date.now() - heardAt > SILENCE_MS);
      if (isStopped || !(isWaiting || isSilent)) return;
      clearTimeout(timer);
      transport?.close();
      failures = 0;
      open();
    },
    stop,
  };
}
