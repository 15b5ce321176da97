/** The form of a first message: what was tried once is the same message, wherever its writer was meanwhile. */
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createStore, Provider } from "jotai";
import { expect, test, vi } from "vitest";
import { newQueryClient } from "../../../api/query";
import { MessageForm } from "./message-form";

const json = (value: unknown) => new Response(JSON.stringify(value), { headers: { "content-type": "application/json" } });

test("a try that was not answered is tried again under its key, though the form was closed between", async () => {
  const keys: (string | null)[] = [];
  let isAway = true;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    if (request.method === "GET") return json({ data: [], next_cursor: null });
    keys.push(request.headers.get("idempotency-key"));
    if (isAway) throw new TypeError("the line broke");
    return json({ id: 1, conversation_id: 9 });
  });
  const store = createStore();
  const client = newQueryClient();
  const user = userEvent.setup();
  const onBegun = vi.fn<(conversation: number) => void>();
  const show = () =>
    render(
      <QueryClientProvider client={client}>
        <Provider store={store}>
          <MessageForm kind="email" onBegun={onBegun} />
        </Provider>
      </QueryClientProvider>,
    );
  const first = show();
  await user.type(screen.getByLabelText("To"), "a@example.com");
  await user.type(screen.getByLabelText("From"), "us@example.com");
  await user.type(screen.getByLabelText("Message"), "hello");
  await user.click(screen.getByRole("button", { name: "Send" }));
  await screen.findByText(/cannot be reached/);
  first.unmount();

  const second = show();
  expect(screen.getByLabelText("Message")).toHaveValue("hello");
  await user.click(screen.getByRole("button", { name: "Send" }));
  await screen.findByText(/cannot be reached/);
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBeTruthy();
  expect(keys[1]).toBe(keys[0]);

  isAway = false;
  await user.type(screen.getByLabelText("Message"), "!");
  await user.click(screen.getByRole("button", { name: "Send" }));
  await waitFor(() => expect(onBegun).toHaveBeenCalledWith(9));
  expect(keys[2]).not.toBe(keys[0]);
  second.unmount();
  show();
  expect(screen.getByLabelText("Message")).toHaveValue("");
});
