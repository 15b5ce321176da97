/** The two ways to hear the server: a WebSocket, and server-sent events where something between does not let one through. */
import { api, body } from "./api/client";

export interface Listener {
  /** It stands; frames follow. */
  onOpen: () => void;
  onText: (text: string) => void;
  /** It ended, or never began. */
  onClose: (end: End) => void;
}

export interface End {
  /** The server said that whoever listens may not any more. */
  isRefused: boolean;
  /** How long the server asks to wait, in milliseconds. */
  retryAfterMs: number;
}

export interface Transport {
  /** Says something to the server, where it stands; what cannot be said is dropped. */
  say: (message: object) => void;
  /** Ends it; nothing is heard of it afterwards. */
  close: () => void;
}

export type Connect = (after: number | undefined, listener: Listener) => Transport;

const PATH = "/api/live";
/** The server sends something on a stream every 20 seconds, if only a comment. */
const SILENCE_MS = 50_000;
/** Close codes: the session has ended; what was said here is against the rules (RFC 6455). */
const REFUSALS = new Set([4401, 1008]);

function query(after: number | undefined): string {
  return after === undefined ? PATH : `${PATH}?after=${after}`;
}

export const connectSocket: Connect = (after, listener) => {
  const url = new URL(query(after), location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url);
  let isOver = false;
  const end = (code: number) => {
    if (isOver) return;
    isOver = true;
    listener.onClose({ isRefused: REFUSALS.has(code), retryAfterMs: 0 });
  };
  socket.addEventListener("open", () => !isOver && listener.onOpen());
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (!isOver && typeof data === "string") listener.onText(data);
  });
  socket.addEventListener("close", ({ code }) => end(code));
  return {
    say: (message) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    close: () => {
      isOver = true;
      socket.close(1000);
    },
  };
};

/** By `fetch` rather than `EventSource`: that one hides the status, and comes back by its own rules. */
export const connectEvents: Connect = (after, listener) => {
  const abort = new AbortController();
  let silence: ReturnType<typeof setTimeout> | undefined;
  const end = (isRefused = false, retryAfterMs = 0) => {
    clearTimeout(silence);
    if (abort.signal.aborted) return;
    abort.abort();
    listener.onClose({ isRefused, retryAfterMs });
  };
  const listen = async () => {
    const response = await fetch(query(after), {
      headers: { Accept: "text/event-stream" },
      credentials: "same-origin",
      cache: "no-store",
      signal: abort.signal,
    });
    if (!response.ok || !response.body) {
      end([401, 403].includes(response.status), Number(response.headers.get("retry-after") ?? 0) * 1000 || 0);
      return;
    }
    listener.onOpen();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let isRefused = false;
    const take = eventReader((data, name) => {
      if (name === "end") isRefused = REFUSALS.has(codeOf(data));
      else listener.onText(data);
    });
    for (;;) {
      clearTimeout(silence);
      silence = setTimeout(() => end(), SILENCE_MS);
      const { done, value } = await reader.read();
      if (done) break;
      take(value);
    }
    end(isRefused);
  };
  listen().catch(() => end());
  return {
    say: (message) => {
      const body = JSON.stringify(message);
      const headers = { "Content-Type": "application/json" };
      // Lost is as good as late here.
      fetch(`${PATH}/typing`, { method: "POST", headers, body, credentials: "same-origin", signal: abort.signal }).catch(() => {});
    },
    close: () => {
      clearTimeout(silence);
      abort.abort();
    },
  };
};

/** Who is there now, of those that the reader may know of. */
export async function fetchPresence(): Promise<Map<string, boolean>> {
  const { data } = await body(api.GET("/api/presence"));
  return new Map(data.map(({ user_name }) => [user_name, true]));
}

/** Takes a stream of `text/event-stream` in pieces, gives the data of each event, and its name where it has one. */
export function eventReader(onEvent: (data: string, name: string) => void): (piece: string) => void {
  let rest = "";
  let name = "";
  let data: string[] = [];
  return (piece) => {
    rest += piece;
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [field = "", ...more] = line.split(":");
      const value = more.join(":").replace(/^ /, "");
      if (field === "data") data.push(value);
      else if (field === "event") name = value;
      else if (line === "") {
        if (data.length > 0) onEvent(data.join("\n"), name);
        data = [];
        name = "";
      }
    }
  };
}

/** The close code that the last event of a stream tells, as a WebSocket would. */
function codeOf(data: string): number {
  try {
    const told: unknown = JSON.parse(data);
    return typeof told === "object" && told !== null && "code" in told && typeof told.code === "number" ? told.code : 0;
  } catch {
    return 0;
  }
}
