import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createStore, Provider } from "jotai";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { newQueryClient } from "../../api/query";
import { presenceAtom } from "../../state/live";
import { PersonRow } from "./person-row";
import type { Relation } from "./relations";

let asked: string[];

beforeEach(() => {
  asked = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    if (request.method === "POST") return new Response(JSON.stringify({ id: 7, user_name: "bugs", state: "asked" }), { headers: { "Content-Type": "application/json" } });
    return new Response(null, { status: 204 });
  });
});

async function show(relation: Relation, name = "Bugs Bunny", isOnline = false) {
  const store = createStore();
  store.set(presenceAtom, new Map([["bugs", isOnline]]));
  const root = createRootRoute({
    component: () => (
      <ul>
        <PersonRow person={{ userName: "bugs", name, relation }} />
      </ul>
    ),
  });
  const router = createRouter({ routeTree: root, history: createMemoryHistory({ initialEntries: ["/"] }) });
  render(
    <QueryClientProvider client={newQueryClient()}>
      <Provider store={store}>
        {/* The app's own routes are not these. */}
        <RouterProvider router={router as never} />
      </Provider>
    </QueryClientProvider>,
  );
  await screen.findByRole("listitem");
  return { user: userEvent.setup(), router };
}

describe("somebody in a list", () => {
  it("who asks can be accepted or declined", async () => {
    const { user } = await show("asks");
    await user.click(screen.getByRole("button", { name: "Accept the request of bugs" }));
    await waitFor(() => expect(asked).toEqual(["POST /api/friends/bugs/accept"]));
    await user.click(screen.getByRole("button", { name: "Decline the request of bugs" }));
    await waitFor(() => expect(asked).toContain("POST /api/friends/bugs/decline"));
  });

  it("who is a friend can be chatted with, in the one chat there is", async () => {
    const { user, router } = await show("friend");
    await user.click(screen.getByRole("button", { name: "Chat with bugs" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/inbox/7"));
    expect(asked).toEqual(["POST /api/conversations"]);
  });

  it("is not blocked before that was confirmed", async () => {
    const { user } = await show("none");
    await user.click(screen.getByRole("button", { name: "More about bugs" }));
    await user.click(await screen.findByRole("menuitem", { name: "Block" }));
    const confirm = await screen.findByRole("button", { name: "Block" });
    expect(asked).toEqual([]);
    await user.click(confirm);
    await waitFor(() => expect(asked).toEqual(["PUT /api/blocks/bugs"]));
  });

  it("is shown as online to those who do not see the dot", async () => {
    await show("friend", "Bugs Bunny", true);
    expect(screen.getByText("online")).toBeInTheDocument();
  });

  it("shows a hostile name as text", async () => {
    await show("none", '<img src=x onerror="alert(1)">');
    expect(screen.getByText('<img src=x onerror="alert(1)">')).toBeInTheDocument();
    expect(document.querySelector("img")).toBeNull();
  });
});
