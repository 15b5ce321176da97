/** The list of conversations, as somebody uses it. */
import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, Outlet, RouterProvider } from "@tanstack/react-router";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createRef } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { newQueryClient } from "../../../api/query";
import { type Session, sessionQuery } from "../../../state/session";
import { readInboxSearch } from "../search";
import { ConversationList } from ".";
import { countFilters, uniqueById } from "./query";

const asked: URLSearchParams[] = [];
let refusal: { status: number; detail: string } | undefined;

beforeEach(() => {
  asked.length = 0;
  refusal = undefined;
});

function show(address: string) {
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const url = new URL(new Request(input).url);
    if (url.pathname === "/api/conversations") asked.push(url.searchParams);
    if (refusal) return new Response(JSON.stringify(refusal), { status: refusal.status, headers: { "content-type": "application/problem+json" } });
    return new Response(JSON.stringify({ data: [], next_cursor: null }), { headers: { "content-type": "application/json" } });
  });
  const client = newQueryClient();
  client.setQueryData(sessionQuery.queryKey, { kind: "operator", role: "admin", isDev: true } as Session);
  const root = createRootRoute({ component: Outlet });
  const inside = createRoute({ getParentRoute: () => root, id: "inside", component: Outlet });
  const inbox = createRoute({
    getParentRoute: () => inside,
    path: "/inbox",
    validateSearch: readInboxSearch,
    component: () => <ConversationList searchRef={createRef()} listRef={createRef()} onNew={() => {}} />,
  });
  const router = createRouter({ routeTree: root.addChildren([inside.addChildren([inbox])]), history: createMemoryHistory({ initialEntries: [address] }) });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  return router;
}

describe("the list of conversations", () => {
  it("asks for what its address says", async () => {
    show("/inbox?state=snoozed&label=4&unread=true&q=blue+shoes");
    await screen.findByText("Nothing matches");
    expect(Object.fromEntries(asked[0] ?? [])).toMatchObject({ state: "snoozed", label: "4", unread: "true", q: "blue shoes" });
    expect(screen.getByRole("button", { name: "Remove the filter Snoozed" })).toBeVisible();
  });

  it("puts a search into the address once its writer pauses, not at each key", async () => {
    const router = show("/inbox?channel=email");
    await userEvent.type(await screen.findByRole("searchbox"), "invoice");
    await waitFor(() => expect(router.state.location.search).toEqual({ channel: "email", q: "invoice" }));
    await waitFor(() => expect(asked.at(-1)?.get("q")).toBe("invoice"));
    expect(asked.map((query) => query.get("q"))).not.toContain("inv");
  });

  it("takes a quick filter on and off, and keeps the search", async () => {
    const router = show("/inbox?q=ada");
    await userEvent.click(await screen.findByRole("button", { name: "Unread" }));
    await waitFor(() => expect(router.state.location.search).toEqual({ q: "ada", unread: true }));
    expect(screen.getByRole("button", { name: "Unread" })).toHaveAttribute("aria-pressed", "true");
    await userEvent.click(screen.getByRole("button", { name: "All" }));
    await waitFor(() => expect(router.state.location.search).toEqual({ q: "ada" }));
  });

  it("tells an inbox where nothing is from one where nothing matches", async () => {
    show("/inbox");
    expect(await screen.findByText("No conversations yet")).toBeVisible();
    expect(screen.getByRole("button", { name: "New conversation" })).toBeVisible();
  });

  it("says why it could not be read, and tries again when asked", async () => {
    refusal = { status: 500, detail: "the database is away" };
    show("/inbox");
    expect(await screen.findByText("The database is away.")).toBeVisible();
    refusal = undefined;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("No conversations yet")).toBeVisible();
  });
});

describe("what the address asks for", () => {
  it("is asked of the server only where it can mean something", () => {
    expect(readInboxSearch({ label: 4, q: "x" })).toEqual({ label: 4, q: "x" });
    expect(readInboxSearch({ label: "4" })).toEqual({ label: 4 });
    expect(readInboxSearch({ label: "urgent", state: "lost" })).toEqual({});
    expect(countFilters({ q: "x", unread: true, state: "open" })).toBe(2);
  });

  it("shows a conversation once that moved while pages were read", () => {
    expect(uniqueById([{ id: 1 }, { id: 2 }, { id: 1 }])).toEqual([{ id: 1 }, { id: 2 }]);
  });
});
