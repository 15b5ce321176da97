/** What changes the session: nothing is sent from before its request on, and the next page says what came of it. */
import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createStore, Provider } from "jotai";
import type { ReactNode } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { newQueryClient } from "../../api/query";
import { claimOutgoingAtom, sendAtom } from "../../state/outgoing";
import { type Session, sessionQuery } from "../../state/session";
import { storedKeys } from "../../state/stored";
import { hasTurn, takeTurn } from "../../state/turn";
import { CodeStage } from "./code-stage";
import type { PendingSignIn } from "./held";
import { JoinPage } from "./join";
import { ProfilePage } from "./profile";

const ME = "user:1";
const SESSION: Session = {
  kind: "user",
  user: {
    id: 1,
    username: "bugs",
    name: "Bugs",
    first_name: "Bugs",
    last_name: "",
    email: "bugs@example.com",
    email_verified: true,
    mobile: "+12125550101",
    mfa: true,
    totp: false,
    created_at: "2026-11-21T09:00:00Z",
    modified_at: "2026-11-21T09:00:00Z",
  },
  role: "member",
  workspace: 1,
  isDev: false,
};
const PENDING: PendingSignIn = { username: "duck", verification: { channel: "sms", to: "...0142", expires_at: "2099-11-21T22:10:00Z" }, sentAt: Date.now() };
const HUTCH = { workspace_id: 1, name: "Hutch", role: "member", is_current: true, created_at: "2026-11-21T09:00:00Z" };
const BURROW = { workspace_id: 2, name: "Burrow", role: "agent", is_current: false, created_at: "2026-11-21T09:00:00Z" };

/** Which requests were there, and whether anything could be sent for the person before meanwhile. */
let asked: { path: string; isSending: boolean }[];
let answers: Record<string, () => Response>;

beforeEach(() => {
  asked = [];
  answers = {};
  takeTurn(`${ME}@1`);
  vi.spyOn(location, "assign").mockImplementation(() => {});
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const path = new URL(new Request(input).url).pathname;
    asked.push({ path, isSending: hasTurn(`${ME}@1`) });
    return answers[path]?.() ?? Response.json({ data: [], next_cursor: null });
  });
});

async function show(page: ReactNode, path = "/") {
  const client = newQueryClient();
  client.setQueryData(sessionQuery.queryKey, SESSION);
  const store = createStore();
  const router = createRouter({ routeTree: createRootRoute({ component: () => page }), history: createMemoryHistory({ initialEntries: [path] }) });
  render(
    <QueryClientProvider client={client}>
      <Provider store={store}>
        {/* The app's own routes are not these. */}
        <RouterProvider router={router as never} />
      </Provider>
    </QueryClientProvider>,
  );
  const write = (owner: string, body: string) => {
    store.set(claimOutgoingAtom, owner);
    store.set(sendAtom, { conversationId: 7, type: "sms", body, attachments: [], after: 0, request: { route: "reply", body: { body } } });
    store.set(claimOutgoingAtom, `${ME}@1`);
  };
  return { user: userEvent.setup(), write };
}

describe("the session changes", () => {
  it("by the code of a sign-in", async () => {
    answers["/api/auth/verify-code"] = () => Response.json({ message: "signed in" });
    const signedIn = vi.fn(() => Promise.resolve());
    const { user } = await show(<CodeStage pending={PENDING} onSignedIn={signedIn} onEnded={() => {}} />);
    await user.type(await screen.findByRole("textbox", { name: "Code" }), "123456");
    await waitFor(() => expect(signedIn).toHaveBeenCalled());
    expect(asked).toEqual([{ path: "/api/auth/verify-code", isSending: false }]);
    expect(hasTurn(`${ME}@1`)).toBe(false);
  });

  it("by starting over", async () => {
    const { user } = await show(<CodeStage pending={PENDING} onSignedIn={() => Promise.resolve()} onEnded={() => {}} />);
    await user.click(await screen.findByRole("button", { name: "Start over" }));
    await waitFor(() => expect(asked).toContainEqual({ path: "/api/auth/logout", isSending: false }));
  });

  it("by joining a workspace, in a page of its own that says so", async () => {
    answers["/api/invitations/accept"] = () => Response.json({ workspace: { id: 2, name: "Burrow" }, role: "agent" });
    const { user } = await show(<JoinPage />, "/#sb_invite_abcdef");
    await user.click(await screen.findByRole("button", { name: "Join" }));
    await waitFor(() => expect(location.assign).toHaveBeenCalledWith("/inbox"));
    expect(asked).toEqual([{ path: "/api/invitations/accept", isSending: false }]);
    vi.resetModules();
    const loaded = await import("../../parts/toasts");
    render(<loaded.Toasts />);
    expect(await screen.findByText("You are in Burrow now")).toBeVisible();
  });

  it("by switching to another workspace, which a member may who has a seat there", async () => {
    answers["/api/auth/workspaces"] = () => Response.json({ data: [HUTCH, BURROW], next_cursor: null });
    answers["/api/auth/switch-workspace"] = () => Response.json({ workspace_id: 2 });
    const { user } = await show(<ProfilePage />);
    await user.click(await screen.findByRole("button", { name: "Switch to Burrow" }));
    await waitFor(() => expect(location.assign).toHaveBeenCalledWith("/inbox"));
    expect(asked).toContainEqual({ path: "/api/auth/switch-workspace", isSending: false });
  });
});

describe("what is not sent", () => {
  it("is listed with the workspace where it waits, and can be discarded", async () => {
    answers["/api/auth/workspaces"] = () => Response.json({ data: [HUTCH, BURROW], next_cursor: null });
    const { user, write } = await show(<ProfilePage />);
    write(`${ME}@1`, "here");
    write(`${ME}@2`, "far away");
    expect(await screen.findByText("far away")).toBeInTheDocument();
    expect(screen.queryByText("here")).not.toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Discard what is not sent in Burrow" }));
    await user.click(await screen.findByRole("button", { name: "Discard" }));
    await waitFor(() => expect(screen.queryByText("far away")).not.toBeInTheDocument());
    expect(storedKeys("outgoing.")).toHaveLength(1);
  });

  it("is listed also where its writer has no seat any more, or nobody knows where it was written", async () => {
    answers["/api/auth/workspaces"] = () => Response.json({ data: [HUTCH], next_cursor: null });
    const { user, write } = await show(<ProfilePage />);
    write(`${ME}@9`, "to the old place");
    write(ME, "of an older version");
    expect(await screen.findByText("2 not sent")).toBeInTheDocument();
    expect(screen.getByText("to the old place")).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Discard what is in no workspace of yours" }));
    await user.click(await screen.findByRole("button", { name: "Discard" }));
    await waitFor(() => expect(storedKeys("outgoing.")).toEqual([]));
    expect(screen.queryByText("Workspaces")).not.toBeInTheDocument();
  });
});
