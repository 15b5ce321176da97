/** Coming into the app: whoever it was here before does nothing to whoever has the turn by now. */
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { render, screen } from "@testing-library/react";
import { createStore, Provider } from "jotai";
import { beforeEach, expect, test, vi } from "vitest";
import type { Schemas } from "./api/client";
import { newQueryClient } from "./api/query";
import { newRouter } from "./router";
import { type Session, sessionQuery } from "./state/session";
import { readStored, storedKeys, writeStored } from "./state/stored";

const json = (value: unknown) => Response.json(value);

function person(id: number, username: string): Schemas["AccountUser"] {
  const at = "2026-11-21T09:00:00Z";
  const names = { username, name: "", first_name: "", last_name: "" };
  return { id, ...names, email: "", email_verified: true, mobile: "", mfa: true, totp: false, created_at: at, modified_at: at };
}

const BUGS: Session = { kind: "user", user: person(1, "bugs"), role: "member", workspace: 1, isDev: false };

/** What another window kept for somebody. */
function keepFor(id: number, turn: object) {
  writeStored("turn", turn);
  writeStored("drafts-owner", `user:${id}`);
  writeStored("draft.7", { text: "half a word", at: 1 });
  writeStored("own.mailbox", "shop@example.com");
  writeStored("outgoing.k", {
    key: "k",
    conversationId: 7,
    type: "sms",
    body: "hello",
    attachments: [],
    at: new Date().toISOString(),
    state: "failed",
    owner: `user:${id}@1`,
    tab: "another",
    after: 0,
    request: { route: "reply", body: { body: "hello" } },
  });
}

/** A window that knows bugs from before comes to a page of the app; the session is duck's. */
async function comeIn() {
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const { pathname } = new URL(new Request(input).url);
    asked.push(pathname);
    if (pathname === "/api/auth/authenticated") return json({ authenticated: true, user: person(2, "duck") });
    if (pathname === "/api/app") return json({ mode: "serve", role: "member", user_id: 2, workspace_id: 1 });
    return json({ data: [], next_cursor: null });
  });
  const queryClient = newQueryClient();
  queryClient.setQueryData(sessionQuery.queryKey, BUGS);
  const store = createStore();
  history.replaceState(null, "", "/people");
  render(
    <QueryClientProvider client={queryClient}>
      <Provider store={store}>
        <RouterProvider router={newRouter({ queryClient, store })} />
      </Provider>
    </QueryClientProvider>,
  );
  await screen.findByRole("navigation", { name: "Switchboard" });
  return asked;
}

const kept = () => [storedKeys("draft."), storedKeys("own."), storedKeys("outgoing.")];

beforeEach(() => {
  vi.spyOn(location, "reload").mockImplementation(() => {});
  vi.stubGlobal(
    "WebSocket",
    class {
      addEventListener() {}
      close() {}
      send() {}
    },
  );
});

test("what the next person wrote in another window stays theirs", async () => {
  keepFor(2, { of: "user:2@1" });
  await comeIn();
  expect(await screen.findByText("duck")).toBeInTheDocument();
  expect(kept()).toEqual([["draft.7"], ["own.mailbox"], ["outgoing.k"]]);
  expect(readStored("turn")).toEqual({ of: "user:2@1" });
});

test("nobody comes in as whoever they were before the session changed", async () => {
  keepFor(2, { of: "user:1@1", parkedAt: 0 });
  await comeIn();
  expect(await screen.findByText("duck")).toBeInTheDocument();
  expect([storedKeys("draft."), storedKeys("outgoing.")]).toEqual([["draft.7"], ["outgoing.k"]]);
});

test("whoever has the turn comes in without being asked about", async () => {
  keepFor(1, { of: "user:1@1" });
  const asked = await comeIn();
  expect(await screen.findByText("bugs")).toBeInTheDocument();
  expect(asked).not.toContain("/api/auth/authenticated");
  expect(kept()).toEqual([["draft.7"], ["own.mailbox"], ["outgoing.k"]]);
});
