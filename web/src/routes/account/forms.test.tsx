import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { newQueryClient } from "../../api/query";
import type { PendingSignIn } from "./held";
import { RecoverForm } from "./recover-form";
import { SignInForm } from "./sign-in-form";
import { SignUpForm } from "./sign-up-form";

const VERIFICATION = { channel: "sms", to: "...0142", expires_at: "2026-11-21T22:10:00Z" };

let asked: { path: string; body: unknown }[];
let answer: () => Response;

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json" } });
}

function refuse(status: number, code: string, detail: string, errors: object[] = []): Response {
  return json({ status, code, detail, errors }, status);
}

async function show(page: ReactNode) {
  const rootRoute = createRootRoute({ component: () => page });
  const router = createRouter({ routeTree: rootRoute, history: createMemoryHistory({ initialEntries: ["/"] }) });
  render(
    <QueryClientProvider client={newQueryClient()}>
      {/* The app's own routes are not these. */}
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  await screen.findByRole("button", { name: /Sign in|Create the account|Change the password/ });
  return userEvent.setup();
}

beforeEach(() => {
  asked = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    asked.push({ path: new URL(request.url).pathname, body: await request.json() });
    return answer();
  });
});

async function fill(user: Awaited<ReturnType<typeof show>>) {
  await user.type(screen.getByRole("textbox", { name: "Username" }), "wile");
  await user.type(screen.getByRole("textbox", { name: "Email" }), "wile@example.com");
  await user.type(screen.getByRole("textbox", { name: "Mobile" }), "+12025550142");
  await user.type(screen.getByLabelText("Password"), "acme anvil cliff");
  await user.click(screen.getByRole("button", { name: "Create the account" }));
}

describe("signing up", () => {
  it("says each thing that the server found beside its field, and keeps what was typed", async () => {
    answer = () =>
      refuse(400, "invalid_request", "2 fields are not right", [
        { field: "username", code: "invalid", message: "must have 5 to 32 characters" },
        { field: "password", code: "too_weak", message: "is too easy to guess" },
      ]);
    const user = await show(<SignUpForm isDev={false} onPending={() => {}} />);
    await fill(user);
    const username = screen.getByRole("textbox", { name: "Username" });
    await waitFor(() => expect(username).toHaveAccessibleDescription("The username must have 5 to 32 characters."));
    expect(username).toHaveFocus();
    expect(username).toHaveValue("wile");
    expect(screen.getByLabelText("Password")).toHaveAccessibleDescription("The password is too easy to guess.");
    expect(screen.getByLabelText("Password")).toHaveValue("acme anvil cliff");
  });

  it("says of the form as a whole what is about no field", async () => {
    answer = () => refuse(403, "sign_up_closed", "only those who are invited may sign up");
    const user = await show(<SignUpForm isDev={false} onPending={() => {}} />);
    await fill(user);
    expect(await screen.findByText("Only those who are invited may sign up.")).toBeInTheDocument();
  });

  it("says what is wrong with what has no field here", async () => {
    answer = () =>
      refuse(400, "invalid_request", "2 fields are not right: invitation, mobile", [
        { field: "invitation", code: "incorrect", message: "this invitation is not good any more" },
        { field: "mobile", code: "invalid", message: "must be a phone number" },
      ]);
    const user = await show(<SignUpForm isDev={false} invitation="sb_invite_abc" onPending={() => {}} />);
    await fill(user);
    expect(await screen.findByText("This invitation is not good any more.")).toBeInTheDocument();
    expect(screen.getByRole("textbox", { name: "Mobile" })).toHaveAccessibleDescription("The mobile must be a phone number.");
  });

  it("takes the invitation along, and no name where there is none", async () => {
    answer = () => json({ id: 9, username: "wile", email: "", mobile: "", name: "", verification: VERIFICATION }, 201);
    const pending = vi.fn<(pending: PendingSignIn) => void>();
    const user = await show(<SignUpForm isDev={false} invitation="sb_invite_abc" onPending={pending} />);
    await fill(user);
    await waitFor(() => expect(pending).toHaveBeenCalledWith(expect.objectContaining({ username: "wile", verification: VERIFICATION })));
    expect(asked).toEqual([
      {
        path: "/api/users",
        body: { username: "wile", email: "wile@example.com", mobile: "+12025550142", password: "acme anvil cliff", invitation: "sb_invite_abc" },
      },
    ]);
  });

  it("asks the server nothing while something is missing", async () => {
    const user = await show(<SignUpForm isDev={false} onPending={() => {}} />);
    await user.click(screen.getByRole("button", { name: "Create the account" }));
    expect(await screen.findByText("The number of your mobile is wanted.")).toBeInTheDocument();
    expect(asked).toEqual([]);
  });
});

describe("signing in", () => {
  it("says that it was wrong without saying what, and keeps the name", async () => {
    answer = () => refuse(401, "incorrect_credentials", "the login or the password is not right");
    const user = await show(<SignInForm isDev={false} onPending={() => {}} />);
    await user.type(screen.getByRole("textbox", { name: "Username or email" }), " bugs ");
    await user.type(screen.getByLabelText("Password"), "carrot");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await screen.findByText("The login or the password is not right.")).toBeInTheDocument();
    expect(screen.getByRole("textbox", { name: "Username or email" })).toHaveValue(" bugs ");
    await waitFor(() => expect(screen.getByLabelText("Password")).toHaveFocus());
    expect(asked[0]?.body).toEqual({ login: "bugs", password: "carrot" });
  });

  it("shows the people of dev in dev alone", async () => {
    await show(<SignInForm isDev={false} onPending={() => {}} />);
    expect(screen.queryByText("switchboard-dev")).not.toBeInTheDocument();
  });

  it("signs in as one of them by one click", async () => {
    answer = () => json({ id: 2, username: "bugs", email: "", verification: VERIFICATION });
    const pending = vi.fn<(pending: PendingSignIn) => void>();
    const user = await show(<SignInForm isDev onPending={pending} />);
    await user.click(screen.getByRole("button", { name: "bugs" }));
    await waitFor(() => expect(pending).toHaveBeenCalledWith(expect.objectContaining({ username: "bugs" })));
    expect(asked[0]?.body).toEqual({ login: "bugs", password: "switchboard-dev" });
  });
});

describe("a recovery", () => {
  it("takes the whole link of a mail that was opened elsewhere", async () => {
    answer = () => json({ message: "the password is changed" });
    const done = vi.fn();
    const user = await show(<RecoverForm token={undefined} onDone={done} onBeginAgain={() => {}} />);
    await user.type(screen.getByRole("textbox", { name: "Code of the text" }), "123456");
    await user.type(screen.getByRole("textbox", { name: "Link of the mail" }), "https://example.com/recover#sb_mail_abcdef");
    await user.type(screen.getByLabelText("New password"), "other words nobody joins");
    await user.click(screen.getByRole("button", { name: "Change the password" }));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(asked).toEqual([
      { path: "/api/auth/recover/complete", body: { code: "123456", mail_token: "sb_mail_abcdef", new_password: "other words nobody joins" } },
    ]);
  });
});
