/** Closing and opening a conversation, and what is said when that fails. */
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import type { Conversation } from "../../../api/conversations";
import { keys } from "../../../api/keys";
import { newQueryClient } from "../../../api/query";
import { Toasts } from "../../../parts/toasts";
import { Standing } from "./standing";

const AT = "2026-11-21T09:00:00.000000Z";

const conversation: Conversation = {
  id: 7,
  kind: "numbers",
  participants: ["+12015550100", "+12015550123"],
  channels: ["sms"],
  state: "open",
  message_count: 1,
  unread_count: 0,
  created_at: AT,
  updated_at: AT,
};

function open(answer: () => Response) {
  const asked: unknown[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    asked.push(await new Request(input).json());
    return answer();
  });
  const client = newQueryClient();
  render(
    <QueryClientProvider client={client}>
      <Standing conversation={conversation} />
      <Toasts />
    </QueryClientProvider>,
  );
  return { asked, client, user: userEvent.setup() };
}

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });

test("closing tells the server, and what is shown is its answer", async () => {
  const { asked, client, user } = open(() => json({ ...conversation, state: "closed" }));
  await user.click(screen.getByRole("button", { name: "Close" }));
  await waitFor(() => expect(client.getQueryData(keys.conversationHead(7))).toMatchObject({ state: "closed" }));
  expect(asked).toEqual([{ state: "closed" }]);
});

test("what the server refuses is said, with its reason", async () => {
  const { user } = open(() => json({ status: 403, code: "forbidden", detail: "Only agents may do that" }, 403));
  await user.click(screen.getByRole("button", { name: "Close" }));
  // Said twice: to those who see, and to those who listen.
  expect((await screen.findAllByText("Only agents may do that.")).length).toBeGreaterThan(0);
});

test("a snooze goes to the moment that was chosen", async () => {
  const { asked, user } = open(() => json({ ...conversation, state: "snoozed" }));
  await user.click(screen.getByRole("button", { name: "Snooze" }));
  await user.click(await screen.findByRole("button", { name: /Tomorrow morning/ }));
  await waitFor(() => expect(asked).toHaveLength(1));
  const tomorrow = new Date();
  tomorrow.setDate(tomorrow.getDate() + 1);
  tomorrow.setHours(9, 0, 0, 0);
  expect(asked[0]).toEqual({ state: "snoozed", snoozed_until: tomorrow.toISOString() });
});
