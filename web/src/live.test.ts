import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoff, type Live, type LiveDeps, startLive } from "./live";
import type { Connect, End, Listener } from "./live-transport";

interface Line extends Listener {
  way: "socket" | "events";
  after: number | undefined;
  isClosed: boolean;
  said: object[];
  tell: (frame: object) => void;
  break: (end?: Partial<End>) => void;
}

let lines: Line[] = [];
let heard: string[] = [];
let live: Live | undefined;
let session: Awaited<ReturnType<LiveDeps["checkSession"]>> = "good";

function connect(way: Line["way"]): Connect {
  return (after, listener) => {
    const line: Line = {
      ...listener,
      way,
      after,
      isClosed: false,
      said: [],
      tell: (frame) => listener.onText(JSON.stringify(frame)),
      break: (end) => listener.onClose({ isRefused: false, retryAfterMs: 0, ...end }),
    };
    lines.push(line);
    return { say: (message) => line.said.push(message), close: () => (line.isClosed = true) };
  };
}

function start(): Line {
  live = startLive({
    onEvent: ({ id, type }) => heard.push(`${id} ${type}`),
    onReload: () => heard.push("reload"),
    onOpen: () => heard.push("open"),
    onTyping: ({ userName, isTyping }) => heard.push(`${userName} types: ${isTyping}`),
    onPresence: ({ userName, isOnline }) => heard.push(`${userName} is there: ${isOnline}`),
    onConnection: (connection) => heard.push(connection),
    checkSession: () => Promise.resolve(session),
    onEnded: (check) => heard.push(check),
    connectSocket: connect("socket"),
    connectEvents: connect("events"),
    random: () => 1,
  });
  return newest();
}

function newest(): Line {
  const line = lines.at(-1);
  if (!line) throw new Error("nothing was opened");
  return line;
}

function event(id: number): object {
  return { id, type: "message.received", at: "2026-11-21T09:00:00.000000Z", data: { conversation_id: 1, message_id: id } };
}

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  heard = [];
  session = "good";
});

afterEach(() => {
  live?.stop();
  vi.useRealTimers();
});

describe("a live connection", () => {
  it("begins without an id, and reads anew what was read before it began", () => {
    const line = start();
    expect(line).toMatchObject({ way: "socket", after: undefined });
    line.onOpen();
    line.tell({ type: "hello", id: 41 });
    line.tell(event(42));
    expect(heard).toEqual(["connecting", "live", "open", "reload", "42 message.received"]);
  });

  it("resumes after the last id, and hears each event once and in order", async () => {
    const line = start();
    line.onOpen();
    line.tell({ type: "hello", id: 10 });
    for (const id of [11, 12, 13]) line.tell(event(id));
    line.break();
    await vi.advanceTimersByTimeAsync(500);
    const second = newest();
    expect(second).toMatchObject({ after: 13 });
    second.onOpen();
    second.tell({ type: "hello", id: 20 });
    for (const id of [12, 13, 14, 14, 15]) second.tell(event(id));
    expect(heard.filter((entry) => entry.endsWith("received")).map((entry) => Number.parseInt(entry, 10))).toEqual([11, 12, 13, 14, 15]);
    expect(heard.filter((entry) => entry === "reload")).toHaveLength(1);
  });

  it("resumes after the hello where nothing happened before it broke", async () => {
    const line = start();
    line.onOpen();
    line.tell({ type: "hello", id: 10 });
    line.break();
    await vi.advanceTimersByTimeAsync(500);
    expect(newest().after).toBe(10);
  });

  it("reads everything anew when it is too far behind, and goes on from there", async () => {
    const line = start();
    line.onOpen();
    line.tell({ type: "hello", id: 1 });
    line.tell({ type: "reload", id: 5000 });
    line.tell(event(4999));
    line.tell(event(5001));
    expect(heard.slice(3)).toEqual(["reload", "reload", "5001 message.received"]);
    line.break();
    await vi.advanceTimersByTimeAsync(500);
    expect(newest().after).toBe(5001);
  });

  it("hears who types and who is there beside the log", () => {
    const line = start();
    line.onOpen();
    line.tell({ type: "typing", data: { conversation_id: 1, user_id: 2, user_name: "bugs", is_typing: true } });
    line.tell({ type: "presence", data: { user_id: 2, user_name: "bugs", is_online: false } });
    expect(heard.slice(3)).toEqual(["bugs types: true", "bugs is there: false"]);
  });

  it("passes over what it does not understand", () => {
    const line = start();
    line.onOpen();
    for (const text of ["", "{", "[]", "null", '"hello"', '{"type":"hello"}', '{"id":3}', '{"type":"typing","data":{}}']) line.onText(text);
    expect(heard.slice(3)).toEqual([]);
  });

  it("waits longer after each failure, up to half a minute, and from the start after a good connection", async () => {
    session = "unreachable";
    start();
    const waits: number[] = [];
    for (let failure = 0; failure < 9; failure += 1) {
      const count = lines.length;
      newest().break();
      await vi.advanceTimersByTimeAsync(0);
      let waited = 0;
      while (lines.length === count) {
        await vi.advanceTimersByTimeAsync(100);
        waited += 100;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    newest().onOpen();
    await vi.advanceTimersByTimeAsync(6000);
    newest().break();
    const count = lines.length;
    await vi.advanceTimersByTimeAsync(500);
    expect(lines).toHaveLength(count + 1);
  });

  it("never waits less than half of the time, nor as all others do", () => {
    expect(backoff(3, 0)).toBe(2000);
    expect(backoff(3, 1)).toBe(4000);
    expect(backoff(50, 1)).toBe(30_000);
  });

  it("waits as long as the server asks", async () => {
    start().onOpen();
    newest().break({ retryAfterMs: 7000 });
    await vi.advanceTimersByTimeAsync(6999);
    expect(lines).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(lines).toHaveLength(2);
  });

  it("takes the other way where a server that answers opens nothing", async () => {
    start();
    for (let failure = 0; failure < 4; failure += 1) {
      newest().break();
      await vi.advanceTimersByTimeAsync(60_000 / 4);
    }
    expect(lines.slice(0, 5).map((line) => line.way)).toEqual(["socket", "socket", "events", "events", "socket"]);
  });

  it("keeps its way while the server is only away", async () => {
    session = "unreachable";
    start();
    for (let failure = 0; failure < 4; failure += 1) {
      newest().break();
      await vi.advanceTimersByTimeAsync(30_000);
    }
    expect(lines.every((line) => line.way === "socket")).toBe(true);
  });

  it("gives up one that never opens", async () => {
    const line = start();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(line.isClosed).toBe(true);
    await vi.advanceTimersByTimeAsync(500);
    expect(lines).toHaveLength(2);
  });

  it("ends with its session, and tries no more", async () => {
    const line = start();
    line.onOpen();
    session = "ended";
    line.break({ isRefused: true });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(heard.at(-1)).toBe("ended");
    expect(lines).toHaveLength(1);
  });

  it("tries at once when woken, and again from the last id", async () => {
    const line = start();
    line.onOpen();
    line.tell({ type: "hello", id: 7 });
    live?.wake();
    expect(lines).toHaveLength(1);
    line.break();
    live?.wake();
    expect(lines).toHaveLength(2);
    expect(newest().after).toBe(7);
    await vi.advanceTimersByTimeAsync(600);
    expect(lines).toHaveLength(2);
  });

  it("does not believe an old connection that was silent while the computer slept", async () => {
    const line = start();
    line.onOpen();
    await vi.advanceTimersByTimeAsync(61_000);
    live?.wake();
    expect(line.isClosed).toBe(true);
    expect(lines).toHaveLength(2);
  });

  it("is silent once stopped", async () => {
    const line = start();
    line.onOpen();
    line.break();
    live?.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(lines).toHaveLength(1);
  });

  it("does not come back when it breaks after it was stopped", async () => {
    const line = start();
    line.onOpen();
    live?.stop();
    line.break();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(line.isClosed).toBe(true);
    expect(lines).toHaveLength(1);
    expect(heard).not.toContain("waiting");
  });
});
