/** The outbox: in order, once, and nothing lost. */
import { QueryClient } from "@tanstack/react-query";
import { createStore } from "jotai";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keys } from "./api/keys";
import type { Message, Thread } from "./api/thread";
import { type Outbox, startOutbox } from "./outbox";
import { allOutgoingAtom, claimOutgoingAtom, dropAllOutgoingAtom, longTrouble, type Outgoing, outgoingAtom, putOutgoingAtom, retryOutgoingAtom, sendAtom, shownOutgoing, unsentAtom } from "./state/outgoing";
import { type Session, sessionQuery } from "./state/session";
import { parkTurn, takeTurn } from "./state/turn";

const ME = "user:1";
let outbox: Outbox | undefined;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  outbox?.stop();
  outbox = undefined;
  vi.useRealTimers();
});

function message(id: number, body: string): Message {
  const at = `2026-11-21T09:00:${String(id).padStart(2, "0")}.000000Z`;
  return {
    id,
    conversation_id: 7,
    direction: "outbound",
    type: "sms",
    from: "+12015550100",
    to: "+12015550123",
    body,
    attachments: [],
    status: "queued",
    final: false,
    possible_duplicate: false,
    recipients: [],
    timestamp: at,
    created_at: at,
    updated_at: at,
  };
}

interface Asked {
  key: string | null;
  body: string;
}

/** A server that answers as `answer` says; `undefined` is a line that breaks. */
function server(answer: (asked: Asked, count: number) => Response | undefined): Asked[] {
  const asked: Asked[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    const { body } = (await request.json()) as { body: string };
    const one = { key: request.headers.get("idempotency-key"), body };
    asked.push(one);
    const response = answer(one, asked.length);
    if (!response) throw new TypeError("the line broke");
    return response;
  });
  return asked;
}

const json = (status: number, value: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json", ...headers } });

function start() {
  const store = createStore();
  const client = new QueryClient();
  store.set(claimOutgoingAtom, ME);
  outbox = startOutbox(store, client);
  const send = (body: string, conversationId = 7) =>
    store.set(sendAtom, { conversationId, type: "sms", body, attachments: [], after: 0, request: { route: "reply", body: { body } } });
  const rows = () => store.get(outgoingAtom(7)).map(({ body, state }) => `${body}: ${state}`);
  return { store, client, send, rows };
}

const settle = () => vi.advanceTimersByTimeAsync(50);

test("what is sent is shown at once, stands in the thread when it was taken, and goes from the rows", async () => {
  server(({ body }) => json(201, message(3, body)));
  const { client, send, rows } = start();
  client.setQueryData<Thread>(keys.messages(7), { pages: [{ data: [message(1, "before")], next_cursor: null }], pageParams: [undefined] });
  send("hello");
  expect(rows()).toEqual(["hello: sending"]);
  await settle();
  expect(rows()).toEqual([]);
  const thread = client.getQueryData<Thread>(keys.messages(7));
  expect(thread?.pages[0]?.data.map(({ body }) => body)).toEqual(["hello", "before"]);
});

test("an answer that was lost is asked for again under the same key", async () => {
  const asked = server(({ body }, count) => (count === 1 ? undefined : json(201, message(3, body))));
  const { send, rows } = start();
  send("hello");
  await settle();
  expect(rows()).toEqual(["hello: waiting"]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(rows()).toEqual([]);
  expect(asked).toHaveLength(2);
  expect(asked[0]?.key).toBeTruthy();
  expect(asked[1]?.key).toBe(asked[0]?.key);
});

test("an answer that cannot be read, or tells of a fault of the server's, is no refusal", async () => {
  const faults = [
    () => new Response('{"id":3,"conv', { status: 201, headers: { "content-type": "application/json" } }),
    () => json(500, { detail: "something broke" }),
  ];
  const asked = server(({ body }) => faults.shift()?.() ?? json(201, message(3, body)));
  const { send, rows } = start();
  send("hello");
  await settle();
  expect(rows()).toEqual(["hello: waiting"]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(rows()).toEqual([]);
  expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
  expect(asked).toHaveLength(3);
});

test("while one waits, those after it wait too, and go in their order", async () => {
  let isAway = true;
  const asked = server(({ body }) => (isAway ? undefined : json(201, message(Number(body), body))));
  const { send, rows } = start();
  for (const body of ["1", "2", "3"]) send(body);
  await settle();
  expect(asked.map(({ body }) => body)).toEqual(["1"]);
  expect(rows()).toEqual(["1: waiting", "2: waiting", "3: waiting"]);
  isAway = false;
  outbox?.wake();
  await settle();
  expect(asked.map(({ body }) => body)).toEqual(["1", "1", "2", "3"]);
  expect(rows()).toEqual([]);
});

test("one that is refused says why, and those after it go on", async () => {
  const problem = { status: 400, code: "invalid_request", detail: "wrong", errors: [{ field: "body", code: "invalid", message: "is too long" }] };
  const asked = server(({ body }) => (body === "1" ? json(400, problem) : json(201, message(2, body))));
  const { store, send, rows } = start();
  send("1");
  send("2");
  await settle();
  expect(rows()).toEqual(["1: failed"]);
  const failed = store.get(outgoingAtom(7))[0];
  expect(failed?.error).toBe("Body: is too long");
  if (failed) store.set(retryOutgoingAtom, failed.key);
  await settle();
  expect(asked.map(({ body }) => body)).toEqual(["1", "2", "1"]);
});

test("a busy server is asked again when it says", async () => {
  const asked = server(({ body }, count) => (count === 1 ? json(429, { detail: "slow down" }, { "retry-after": "5" }) : json(201, message(3, body))));
  const { send } = start();
  send("hello");
  await vi.advanceTimersByTimeAsync(4_000);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked).toHaveLength(2);
});

test("what was not taken is there after the page was loaded anew, in its order", async () => {
  server(() => undefined);
  const { send } = start();
  send("1");
  send("2");
  await settle();
  outbox?.stop();
  const store = createStore();
  store.set(claimOutgoingAtom, ME);
  expect(store.get(allOutgoingAtom).map(({ body }) => body)).toEqual(["1", "2"]);
});

/** What another window wrote some time ago. */
function theirs(ageMs: number): Outgoing {
  const at = new Date(Date.now() - ageMs).toISOString();
  const request = { route: "reply", body: { body: "1" } } as const;
  return { key: "k-theirs", conversationId: 7, type: "sms", body: "1", attachments: [], at, state: "sending", owner: ME, tab: "another", after: 0, request };
}

test("what another window sends is waited for no longer than it takes", async () => {
  const asked = server(({ body }) => json(201, message(Number(body), body)));
  const { store, send, rows } = start();
  store.set(putOutgoingAtom, theirs(1_000));
  send("2");
  await settle();
  expect(asked).toEqual([]);
  localStorage.removeItem("switchboard.outgoing.k-theirs");
  dispatchEvent(new StorageEvent("storage", { key: "switchboard.outgoing.k-theirs", newValue: null }));
  await settle();
  expect(asked.map(({ body }) => body)).toEqual(["2"]);
  expect(rows()).toEqual([]);
});

test("what another window leaves behind is sent in its place after a while", async () => {
  const asked = server(({ body }) => json(201, message(Number(body), body)));
  const { store } = start();
  store.set(putOutgoingAtom, theirs(0));
  await vi.advanceTimersByTimeAsync(9_000);
  expect(asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked.map(({ key }) => key)).toEqual(["k-theirs"]);
});

test("what another window holds is taken over by whoever wants it tried now", async () => {
  const asked = server(({ body }) => json(201, message(Number(body), body)));
  const { store } = start();
  const entry = theirs(0);
  store.set(putOutgoingAtom, { ...entry, state: "waiting" });
  await settle();
  expect(asked).toEqual([]);
  store.set(retryOutgoingAtom, entry.key);
  await settle();
  expect(asked.map(({ key }) => key)).toEqual([entry.key]);
});

test("a server that keeps answering with faults is told of, asked seldom and always under the same key", async () => {
  let isBroken = true;
  const asked = server(({ body }) => (isBroken ? json(500, { detail: "something broke" }) : json(201, message(3, body))));
  const { store, send, rows } = start();
  send("hello");
  await vi.advanceTimersByTimeAsync(60_000);
  const trouble = () => store.get(outgoingAtom(7)).map((entry) => longTrouble(entry, Date.now())?.error);
  expect(trouble()).toEqual([undefined]);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(trouble()).toEqual(["Something broke."]);
  expect(store.get(outgoingAtom(7))[0]?.trouble?.nextAt).toBeGreaterThan(Date.now());
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect(asked.length - before).toBeLessThanOrEqual(10);
  expect(rows()).toEqual(["hello: waiting"]);
  isBroken = false;
  store.set(retryOutgoingAtom, asked[0]?.key ?? "");
  await settle();
  expect(rows()).toEqual([]);
  expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
});

test("a server that is away is no trouble of its own", async () => {
  let isAway = false;
  server(() => (isAway ? undefined : json(503, { detail: "the database is away" })));
  const { store, send } = start();
  send("hello");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(store.get(outgoingAtom(7))[0]?.trouble).toBeDefined();
  isAway = true;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(store.get(outgoingAtom(7))[0]?.trouble).toBeUndefined();
});

test("what was written in one workspace is not sent in another, and goes when its writer is back", async () => {
  let isAway = true;
  const asked = server(({ body }) => (isAway ? undefined : json(201, message(3, body))));
  const { store, rows, send } = start();
  store.set(claimOutgoingAtom, `${ME}@1`);
  send("hello");
  await settle();
  isAway = false;
  const before = asked.length;
  store.set(claimOutgoingAtom, `${ME}@2`);
  outbox?.wake();
  await settle();
  expect(store.get(allOutgoingAtom)).toEqual([]);
  expect(asked).toHaveLength(before);
  expect(store.get(unsentAtom)(`${ME}@2`).all).toHaveLength(1);
  store.set(claimOutgoingAtom, `${ME}@1`);
  await settle();
  expect(asked).toHaveLength(before + 1);
  expect(rows()).toEqual([]);
});

function sessionIn(workspace: number): Session {
  const user = { id: 1 } as Extract<Session, { kind: "user" }>["user"];
  return { kind: "user", user, role: "agent", workspace, isDev: false };
}

/** A server whose session acts in a workspace, and one message that is to be sent in the first. */
function begin(workspace: number) {
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const { pathname } = new URL(new Request(input).url);
    if (pathname === "/api/auth/authenticated") return json(200, { authenticated: true, user: { id: 1 } });
    if (pathname === "/api/app") return json(200, { mode: "serve", role: "agent", user_id: 1, workspace_id: workspace });
    asked.push(pathname);
    return json(201, message(3, "hello"));
  });
  const { store, client, send, rows } = start();
  client.setQueryData<Session>(sessionQuery.queryKey, sessionIn(1));
  takeTurn(`${ME}@1`);
  store.set(claimOutgoingAtom, `${ME}@1`);
  parkTurn(Date.now());
  send("hello");
  return { asked, rows, client };
}

describe("while another window changes the session", () => {
  test("nothing is sent before the server said whose it is, and then at once", async () => {
    const { asked, rows } = begin(1);
    await vi.advanceTimersByTimeAsync(58_000);
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked).toEqual(["/api/conversations/7/messages"]);
    expect(rows()).toEqual([]);
  });

  test("nothing is sent once it acts elsewhere", async () => {
    const { asked, rows } = begin(2);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked).toEqual([]);
    expect(rows()).toEqual(["hello: waiting"]);
  });

  test("what was asked before does not tell whose it is", async () => {
    const { asked, rows, client } = begin(2);
    let answerLate: ((session: Session) => void) | undefined;
    void client.fetchQuery({ ...sessionQuery, staleTime: 0, queryFn: () => new Promise<Session>((resolve) => (answerLate = resolve)) }).catch(() => {});
    await vi.advanceTimersByTimeAsync(61_000);
    answerLate?.(sessionIn(1));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual([]);
    expect(rows()).toEqual(["hello: waiting"]);
  });

  test("nothing is sent after another one took the turn", async () => {
    const { asked } = begin(2);
    takeTurn(`${ME}@2`);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asked).toEqual([]);
  });
});

test("what a full storage did not take is not lost when another window writes there, until that takes it away", async () => {
  server(() => undefined);
  const { store, send, rows } = start();
  vi.stubGlobal("localStorage", {
    setItem() {
      throw new DOMException("full", "QuotaExceededError");
    },
    removeItem() {},
  });
  send("hello");
  await settle();
  vi.unstubAllGlobals();
  expect(Object.keys(localStorage)).toEqual([]);
  dispatchEvent(new StorageEvent("storage", { key: "switchboard.outgoing.another", newValue: "{}" }));
  store.set(claimOutgoingAtom, ME);
  expect(rows()).toEqual(["hello: waiting"]);
  const key = store.get(outgoingAtom(7))[0]?.key ?? "";
  dispatchEvent(new StorageEvent("storage", { key: `switchboard.outgoing.${key}`, newValue: null }));
  expect(rows()).toEqual([]);
});

test("what one person left is neither shown to another nor sent for them", async () => {
  server(() => undefined);
  const { store, send } = start();
  send("secret");
  await settle();
  store.set(claimOutgoingAtom, "user:2");
  expect(store.get(allOutgoingAtom)).toEqual([]);
  expect(Object.values(localStorage).join()).not.toContain("secret");
});

test("a session that ends parks what is unsent, and whoever wrote it sends it when they are back", async () => {
  let isAway = true;
  const asked = server(({ body }) => (isAway ? undefined : json(201, message(3, body))));
  const { store, send, rows } = start();
  send("hello");
  await settle();
  isAway = false;
  const before = asked.length;
  for (const other of ["nobody", "operator"]) {
    store.set(claimOutgoingAtom, other);
    outbox?.wake();
    await settle();
    expect(store.get(allOutgoingAtom)).toEqual([]);
    expect(asked).toHaveLength(before);
  }
  store.set(claimOutgoingAtom, ME);
  expect(rows()).toEqual(["hello: sending"]);
  await settle();
  expect(asked).toHaveLength(before + 1);
  expect(rows()).toEqual([]);
});

test("what is refused when its writer has left does not come back", async () => {
  let answer: ((response: Response) => void) | undefined;
  vi.spyOn(globalThis, "fetch").mockImplementation(() => new Promise((resolve) => (answer = resolve)));
  const { store, send } = start();
  send("secret");
  await settle();
  store.set(dropAllOutgoingAtom, ME);
  answer?.(json(400, { detail: "wrong" }));
  await settle();
  expect(store.get(allOutgoingAtom)).toEqual([]);
  expect(Object.values(localStorage).join()).not.toContain("secret");
});

test("what waited longer than the server knows its key is not sent by itself", async () => {
  const asked = server(() => undefined);
  const { store, send, rows } = start();
  send("late");
  await settle();
  const before = asked.length;
  vi.setSystemTime(Date.now() + 24 * 3_600_000);
  outbox?.wake();
  await settle();
  expect(rows()).toEqual(["late: failed"]);
  expect(asked).toHaveLength(before);
  const key = store.get(outgoingAtom(7))[0]?.key ?? "";
  store.set(retryOutgoingAtom, key);
  await settle();
  expect(asked.at(-1)?.key).not.toBe(key);
});

test("a message that came by another way than its answer is not shown beside its row", () => {
  server(() => undefined);
  const { store, send } = start();
  send("ok");
  send("ok");
  const rows = store.get(outgoingAtom(7));
  expect(shownOutgoing(rows, [message(5, "ok")])).toHaveLength(1);
  expect(shownOutgoing(rows, [message(5, "other")])).toHaveLength(2);
  const later = rows.map((row) => Object.assign({}, row, { after: 5 }));
  expect(shownOutgoing(later, [message(5, "ok")])).toHaveLength(2);
});
