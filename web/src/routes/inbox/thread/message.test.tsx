/** A message in its thread, as somebody uses it. */
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { keys } from "../../../api/keys";
import { newQueryClient } from "../../../api/query";
import type { Message, Thread } from "../../../api/thread";
import { onAnnouncement } from "../../../parts/announce";
import type { Conversation } from "../names";
import { MessageEntry } from "./message";

const AT = "2027-05-03T12:00:00.000000Z";
const asked: { what: string; body: string }[] = [];

function message(more: Partial<Message>): Message {
  return {
    id: 7,
    conversation_id: 3,
    direction: "outbound",
    type: "sms",
    from: "+12015550100",
    to: "+12025550102",
    body: "Hello",
    attachments: [],
    status: "delivered",
    final: true,
    possible_duplicate: false,
    recipients: [],
    timestamp: AT,
    created_at: AT,
    updated_at: AT,
    ...more,
  };
}

const conversation: Conversation = {
  id: 3,
  kind: "numbers",
  participants: ["+12015550100", "+12025550102"],
  channels: ["sms"],
  message_count: 1,
  unread_count: 0,
  created_at: AT,
  updated_at: AT,
};
const chat: Conversation = { ...conversation, kind: "direct", participants: ["bugs", "duck"], channels: ["chat"] };

function answer(status: number, value: unknown) {
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    asked.push({ what: `${request.method} ${new URL(request.url).pathname}`, body: await request.text() });
    return new Response(JSON.stringify(value), { status, headers: { "content-type": status < 400 ? "application/json" : "application/problem+json" } });
  });
}

function show(shown: Message, place = conversation, me: string | undefined = undefined, isTeam = true) {
  const client = newQueryClient();
  client.setQueryData<Thread>(keys.messages(3), { pages: [{ data: [shown] }], pageParams: [undefined] });
  const row = { kind: "message", key: shown.id, message: shown, isContinued: false, isContinuing: false } as const;
  render(
    <QueryClientProvider client={client}>
      <MessageEntry row={row} conversation={place} reader={{ me, isTeam }} isLast />
    </QueryClientProvider>,
  );
  return () => client.getQueryData<Thread>(keys.messages(3))?.pages[0]?.data[0];
}

beforeEach(() => {
  asked.length = 0;
});

describe("a message that did not arrive", () => {
  it("says so in a sentence, and why", () => {
    show(message({ status: "failed", status_reason: "carrier unreachable" }));
    expect(screen.getByText(/The provider gave up on it.*Carrier unreachable\..*Send it again/)).toBeVisible();
  });

  it("is sent again at once when it was certainly not sent, and shows where it stands", async () => {
    const kept = show(message({ status: "failed" }));
    answer(202, message({ status: "queued" }));
    await userEvent.click(screen.getByRole("button", { name: "Send again" }));
    await waitFor(() => expect(kept()?.status).toBe("queued"));
    expect(asked.map(({ what }) => what)).toContain("POST /api/conversations/3/messages/7/replay");
  });

  it("is not sent again before its reader was warned, when it may have arrived", async () => {
    show(message({ status: "unknown" }));
    answer(202, message({ status: "queued", possible_duplicate: true }));
    await userEvent.click(screen.getByRole("button", { name: "Send again" }));
    expect(asked).toEqual([]);
    await userEvent.click(await screen.findByRole("button", { name: "Send anyway" }));
    await waitFor(() => expect(asked.map(({ what }) => what)).toContain("POST /api/conversations/3/messages/7/replay"));
  });

  it("offers nothing to those who may not do it", () => {
    show(message({ status: "failed" }), conversation, "porky", false);
    expect(screen.queryByRole("button", { name: "Send again" })).toBeNull();
  });

  it("says why it could not be called back", async () => {
    show(message({ status: "scheduled", scheduled_at: "2030-05-03T12:00:00.000000Z" }));
    answer(409, { status: 409, code: "not_cancelable", detail: "it was sent already" });
    const told: string[] = [];
    const stop = onAnnouncement((text) => told.push(text));
    await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
    expect(await screen.findByText("It was sent already.")).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
    expect(told).toEqual(["It was sent already."]);
    stop();
  });
});

const more = () => screen.getByRole("button", { name: "More about this message" });
const said = (more: Partial<Message> = {}) => message({ type: "chat", from: "bugs", to: "duck", status: "read", ...more });

describe("what people say to each other", () => {
  it("bears its reactions, and takes one's own back", async () => {
    show(said({ reactions: [{ emoji: "👍", count: 2, user_names: ["bugs", "duck"] }] }), chat, "bugs");
    answer(200, said());
    const reaction = screen.getByRole("button", { name: "👍, 2: you, duck" });
    expect(reaction).toHaveAttribute("aria-pressed", "true");
    await userEvent.click(reaction);
    await waitFor(() => expect(asked[0]?.what).toBe(`DELETE /api/conversations/3/messages/7/reactions/${encodeURIComponent("👍")}`));
  });

  it("cannot be reacted to by those who are not of it", async () => {
    show(said({ reactions: [{ emoji: "👍", count: 1, user_names: ["duck"] }] }), chat, undefined);
    answer(200, said());
    await userEvent.click(screen.getByRole("button", { name: /👍/ }));
    expect(asked).toEqual([]);
    expect(screen.queryByRole("button", { name: "React" })).toBeNull();
  });

  it("leaves a mark where it was taken back, and nothing of it", () => {
    show(said({ deleted_at: AT, body: "" }), chat, "bugs");
    expect(screen.getByText("Taken back")).toBeVisible();
    expect(screen.queryByRole("button", { name: "React" })).toBeNull();
  });

  it("is edited where it stands, and keeps what was typed when that is refused", async () => {
    const now = new Date().toISOString();
    show(said({ created_at: now, timestamp: now }), chat, "bugs");
    answer(409, { status: 409, code: "too_many_edits", detail: "it was edited 50 times" });
    await userEvent.click(screen.getByRole("button", { name: "More about this message" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Edit" }));
    const field = screen.getByRole("textbox", { name: "The message" });
    await userEvent.clear(field);
    await userEvent.type(field, "Hello again{Enter}");
    expect(await screen.findByText("It was edited 50 times.")).toBeVisible();
    expect(field).toHaveValue("Hello again");
    expect(asked.find(({ what }) => what.startsWith("PATCH"))?.body).toBe('{"body":"Hello again"}');
  });

  it("gives the focus back when editing ends, by Escape, by its button or by being kept", async () => {
    const now = new Date().toISOString();
    show(said({ created_at: now, timestamp: now }), chat, "bugs");
    answer(200, said({ created_at: now, timestamp: now, body: "Hello!" }));
    for (const end of ["{Escape}", "cancel", "!{Enter}"]) {
      await userEvent.click(more());
      await userEvent.click(await screen.findByRole("menuitem", { name: "Edit" }));
      await waitFor(() => expect(screen.getByRole("textbox", { name: "The message" })).toHaveFocus());
      if (end === "cancel") await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
      else await userEvent.keyboard(end);
      await waitFor(() => expect(more()).toHaveFocus());
    }
  });
});
