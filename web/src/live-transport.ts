/** The two ways to hear the server: a WebSocket, and server-sent events where something between does not let one through. */

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
/** Close codes for sessions that ended and for those who may not listen: by RFC 6455, and by custom for 401 and 403. */
const REFUSALS = new Set([1008, 4401, 4403]);

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
  const end = (isRefused = false, retryAfterMs = 0) => {
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
    const take = eventReader(listener.onText);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      take(value);
    }
    end();
  };
  listen().catch(() => end());
  return {
    say: (message) => {
      const body = JSON.stringify(message);
      const headers = { "Content-Type": "application/json" };
      // Lost is as good as late here.
      fetch(`${PATH}/typing`, { method: "POST", headers, body, credentials: "same-origin", signal: abort.signal }).catch(() => {});
    },
    close: () => abort.abort(),
  };
};

/** Who is online now, of those that the reader may know of. */
export async function fetchPresence(): Promise<Map<string, boolean>> {
  const response = await fetch("/api/presence", { headers: { Accept: "application/json" }, credentials: "same-origin" });
  const told: unknown = response.ok ? await response.json() : undefined;
  const rows: unknown[] = typeof told === "object" && told !== null && "data" in told && Array.isArray(told.data) ? told.data : [];
  const found = new Map<string, boolean>();
  for (const row of rows) {
    if (typeof row !== "object" || row === null || !("user_name" in row) || typeof row.user_name !== "string") continue;
    found.set(row.user_name, "is_online" in row && row.is_online === true);
  }
  return found;
}

/** Takes a stream of `text/event-stream` in pieces, gives the data of each event. */
export function eventReader(onData: (data: string) => void): (piece: string) => void {
  let rest = "";
  let data: string[] = [];
  return (piece) => {
    rest += piece;
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) onData(data.join("\n"));
        data = [];
      } else if (line.startsWith("data:")) {
        data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
      }
    }
  };
}
