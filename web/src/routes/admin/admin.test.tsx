/** The admin pages, as somebody uses them. */
import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { FunctionComponent } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { newQueryClient } from "../../api/query";
import { type Session, sessionQuery } from "../../state/session";
import { AuditPage } from "./audit";
import { DeadLettersPage } from "./dead-letters";
import { KeysPage } from "./keys";
import { ProvidersPage } from "./providers";
import { QuarantinePage } from "./quarantine";
import { SettingsPage } from "./settings";
import { UsersPage } from "./users";

const AT = "2030-01-01T12:00:00.000000Z";

interface Asked {
  what: string;
  query: URLSearchParams;
  body: unknown;
}
const asked: Asked[] = [];
const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
const list = (data: unknown[], next_cursor: string | null = null) => json({ data, next_cursor });

function server(answers: Record<string, (asked: Asked) => Response>) {
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      observe = () => {};
      disconnect = () => {};
    },
  );
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    const url = new URL(request.url);
    const text = request.method === "GET" ? "" : await request.text();
    const one = { what: `${request.method} ${url.pathname}`, query: url.searchParams, body: text === "" ? undefined : JSON.parse(text) };
    asked.push(one);
    return answers[one.what]?.(one) ?? list([]);
  });
}

function show(page: FunctionComponent) {
  const client = newQueryClient();
  const operator: Session = { kind: "operator", role: "admin", isDev: true };
  client.setQueryData(sessionQuery.queryKey, operator);
  const router = createRouter({ routeTree: createRootRoute({ component: page }), history: createMemoryHistory() });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
}

const told = (what: string) => asked.filter((one) => one.what === what);

beforeEach(() => {
  asked.length = 0;
});

const letter = (id: number) => ({
  id,
  conversation_id: 100 + id,
  direction: "outbound",
  type: "sms",
  from: "+12015550100",
  to: `+1202555019${id}`,
  body: `text ${id}`,
  attachments: [],
  status: "dead",
  status_reason: "its time ran out",
  final: true,
  possible_duplicate: false,
  recipients: [],
  timestamp: AT,
  created_at: AT,
  updated_at: AT,
});

describe("dead letters", () => {
  it("sends the chosen ones again, and no others", async () => {
    server({ "GET /api/dead-letters": () => list([letter(1), letter(2), letter(3)]) });
    show(DeadLettersPage);
    await userEvent.click(await screen.findByRole("checkbox", { name: "Choose message 1" }));
    await userEvent.click(screen.getByRole("checkbox", { name: "Choose message 3" }));
    await userEvent.click(screen.getByRole("button", { name: "Send the chosen again" }));
    expect(await screen.findByText("2 of 2 messages sent again.")).toBeVisible();
    const replayed = asked.filter(({ what }) => what.endsWith("/replay")).map(({ what }) => what);
    expect(replayed).toEqual(["POST /api/conversations/101/messages/1/replay", "POST /api/conversations/103/messages/3/replay"]);
  });

  it("asks before it sends all again, goes on to the last page, and names what was refused", async () => {
    server({
      "GET /api/dead-letters": ({ query }) => (query.get("cursor") === "more" ? list([letter(3)]) : list([letter(1), letter(2)], "more")),
      "POST /api/conversations/102/messages/2/replay": () => json({ status: 409, code: "not_replayable", detail: "it was sent meanwhile" }, 409),
    });
    show(DeadLettersPage);
    await userEvent.click(await screen.findByRole("button", { name: "Send all again" }));
    expect(asked.some(({ what }) => what.endsWith("/replay"))).toBe(false);
    await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Send all again" }));
    expect(await screen.findByText("2 messages sent again, 1 refused.")).toBeVisible();
    expect(screen.getByText(/It was sent meanwhile\./)).toBeVisible();
    expect(told("POST /api/conversations/103/messages/3/replay")).toHaveLength(1);
  });
});

describe("quarantine", () => {
  const entry = { id: 4, received_at: AT, path: "/api/webhooks/sms", reason: "body: required", raw: '{"html":"<b>x</b>"}' };

  it("shows what came as text, and deletes only after asking", async () => {
    server({ "GET /api/quarantine": () => list([entry]), "DELETE /api/quarantine/4": () => new Response(null, { status: 204 }) });
    show(QuarantinePage);
    await userEvent.click(await screen.findByRole("button", { name: "Look at it: entry 4" }));
    expect(await screen.findByText(/"html": "<b>x<\/b>"/)).toBeVisible();
    await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Delete" }));
    expect(told("DELETE /api/quarantine/4")).toHaveLength(0);
    const confirm = await screen.findByRole("dialog", { name: "Delete this entry?" });
    await userEvent.click(within(confirm).getByRole("button", { name: "Delete" }));
    await waitFor(() => expect(told("DELETE /api/quarantine/4")).toHaveLength(1));
  });
});

describe("keys", () => {
  it("shows a new key this once, and names what is wrong with the wish", async () => {
    let tries = 0;
    server({
      "POST /api/keys": () => {
        tries += 1;
        const wrong = { status: 400, code: "invalid_request", detail: "1 field is not right: name", errors: [{ field: "name", code: "required", message: "is required" }] };
        return tries === 1 ? json(wrong, 400) : json({ id: 7, name: "Shop", scopes: ["messages:send"], key: "sb_live_secret" }, 201);
      },
    });
    show(KeysPage);
    await userEvent.click((await screen.findAllByRole("button", { name: "Make a key" }))[0] ?? document.body);
    await userEvent.click(await screen.findByRole("button", { name: "Make the key" }));
    expect(await screen.findByText("is required")).toBeVisible();
    await userEvent.type(screen.getByRole("textbox", { name: "Name" }), "Shop");
    await userEvent.click(screen.getByRole("button", { name: "Make the key" }));
    expect(await screen.findByText("sb_live_secret")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "I have copied it" }));
    await waitFor(() => expect(screen.queryByText("sb_live_secret")).toBeNull());
  });
});

describe("providers", () => {
  const provider = { name: "primary", kind: "http", channels: ["sms"], state: "ready", breaker: { state: "closed" }, in_flight: 0, unknown: 0, queue: [{ lane: "codes", due: 3, later: 0 }], recent: { minutes: 5, accepted: 9, retry: 1, rejected: 0, doubtful: 0, unknown: 0 }, last_errors: [{ at: AT, outcome: "retry", reason: "<b>busy</b>" }], limits: { max_per_second: 10, max_in_flight: 5, timeout_ms: 1000 } };

  it("are paused only after asking, and go on at once", async () => {
    let paused = false;
    const now = () => (paused ? { ...provider, state: "paused", paused_at: AT, paused_by: "operator" } : provider);
    server({
      "GET /api/providers": () => list([now()]),
      "POST /api/providers/primary/pause": () => {
        paused = true;
        return json(now());
      },
      "POST /api/providers/primary/resume": () => {
        paused = false;
        return json(now());
      },
    });
    show(ProvidersPage);
    await userEvent.click(await screen.findByRole("button", { name: "Pause" }));
    expect(told("POST /api/providers/primary/pause")).toHaveLength(0);
    await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Pause" }));
    await userEvent.click(await screen.findByRole("button", { name: "Let it go on" }));
    expect(await screen.findByRole("button", { name: "Pause" })).toBeVisible();
    expect(screen.getByText("<b>busy</b>")).toBeInTheDocument();
  });
});

describe("users", () => {
  it("keeps a role as it was when the change is refused", async () => {
    const member = { id: 1, user_name: "bugs", first_name: "Bugs", last_name: "Bunny", role: "admin", joined_at: AT };
    server({ "GET /api/members": () => list([member]), "PATCH /api/members/bugs": () => json({ status: 409, code: "last_admin", detail: "there must be an admin" }, 409) });
    show(UsersPage);
    const role = await screen.findByRole("combobox", { name: "Role of bugs" });
    await userEvent.selectOptions(role, "member");
    await waitFor(() => expect(told("PATCH /api/members/bugs")).toHaveLength(1));
    await waitFor(() => expect(role).toHaveValue("admin"));
  });
});

describe("the audit", () => {
  it("is filtered by the server, and says when nothing is left", async () => {
    server({ "GET /api/audit": ({ query }) => list(query.get("action") === null ? [{ id: 1, at: AT, actor: "operator", action: "key.created", target: "key:7", data: {} }] : []) });
    show(AuditPage);
    expect(await screen.findByText("The operator")).toBeVisible();
    await userEvent.type(screen.getByRole("combobox", { name: "Deed" }), "key.revoked{Enter}");
    expect(await screen.findByText("Nothing of that kind")).toBeVisible();
    await userEvent.click(screen.getAllByRole("button", { name: "Show everything" })[0] ?? document.body);
    expect(await screen.findByText("The operator")).toBeVisible();
  });
});

describe("settings", () => {
  const settings = { id: 1, name: "Shop", strangers: "write", group_history: "joined", help_text: null, quiet_hours: null, created_at: AT };

  it("sends what was changed, and puts what is wrong beside its field", async () => {
    const wrong = { status: 400, code: "invalid_request", detail: "1 field is not right: quiet_hours", errors: [{ field: "quiet_hours", code: "invalid", message: "must not be empty" }] };
    server({ "GET /api/settings": () => json(settings), "PATCH /api/settings": () => json(wrong, 400) });
    show(SettingsPage);
    await userEvent.click(await screen.findByRole("switch", { name: "Quiet hours" }));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("must not be empty")).toBeVisible();
    expect(told("PATCH /api/settings").map(({ body }) => body)).toMatchObject([{ quiet_hours: { from: "21:00", until: "08:00" } }]);
    expect(screen.getByText("Not saved yet")).toBeVisible();
  });

  it("says why it has nothing to show, and tries again", async () => {
    let isAway = true;
    server({ "GET /api/settings": () => (isAway ? json({ status: 403, code: "forbidden", detail: "only admins may" }, 403) : json(settings)) });
    show(SettingsPage);
    expect(await screen.findByText("Only admins may.")).toBeVisible();
    isAway = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByDisplayValue("Shop")).toBeVisible();
  });
});
