/** A contact that is read anew while somebody types. */
import { QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { keys } from "../../../api/keys";
import { newQueryClient } from "../../../api/query";
import type { Contact } from "./changes";
import { Known } from "./known";

const AT = "2026-11-21T09:00:00.000000Z";
const ADA: Contact = { id: 3, name: "Ada", addresses: [], notes: "likes tea", created_at: AT, updated_at: AT };

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });

async function open() {
  let contact = ADA;
  const changed: unknown[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    if (request.method === "PATCH") {
      const change = (await request.json()) as Partial<Contact>;
      changed.push(change);
      contact = { ...contact, ...change };
    }
    return new URL(request.url).pathname === "/api/contacts/3" ? json(contact) : json({ data: [], next_cursor: null });
  });
  const client = newQueryClient();
  render(
    <QueryClientProvider client={client}>
      <Known conversationId={7} contactId={3} />
    </QueryClientProvider>,
  );
  const box = await screen.findByRole("textbox", { name: "Notes" });
  const readAnew = async (change: Partial<Contact>) => {
    contact = { ...contact, ...change };
    await act(() => client.refetchQueries({ queryKey: keys.contact(3) }));
  };
  return { user: userEvent.setup(), box, changed, readAnew, client };
}

test("what is being typed stays, and what somebody else wrote meanwhile is shown beside it", async () => {
  const { user, box, changed, readAnew } = await open();
  await user.type(box, ", no sugar");
  await readAnew({ notes: "likes coffee", name: "Ada L." });
  expect(await screen.findByText("likes coffee")).toBeInTheDocument();
  expect(screen.getByRole("textbox", { name: "Notes" })).toHaveValue("likes tea, no sugar");
  expect(box).toHaveFocus();
  expect(screen.getByRole("textbox", { name: "Name" })).toHaveValue("Ada L.");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Save" })).toBeNull());
  expect(changed).toEqual([{ notes: "likes tea, no sugar" }]);
  expect(screen.queryByText("likes coffee")).toBeNull();
});

test("what was not touched is what the server has", async () => {
  const { box, readAnew } = await open();
  await readAnew({ notes: "likes coffee" });
  await waitFor(() => expect(box).toHaveValue("likes coffee"));
  expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
});

test("a contact that cannot be had anew takes nothing away that is being typed", async () => {
  const { user, box, client } = await open();
  await user.type(box, ", no sugar");
  vi.mocked(globalThis.fetch).mockImplementation(async () => json({ status: 404, code: "not_found", detail: "gone" }, 404));
  await act(() => client.refetchQueries({ queryKey: keys.contact(3) }));
  await waitFor(() => expect(client.getQueryState(keys.contact(3))?.status).toBe("error"));
  expect(box).toBeInTheDocument();
  expect(box).toHaveValue("likes tea, no sugar");
});
