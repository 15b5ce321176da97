/** Groups and chats are begun with anybody of the workspace, however many there are. */
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { beforeEach, expect, it, vi } from "vitest";
import { newQueryClient } from "../../api/query";
import { ChatForm } from "../inbox/new/chat-form";
import { GroupForm } from "./group-form";

const begun: string[] = [];
const person = (user_name: string, first_name: string) => ({ id: user_name.length, user_name, first_name, last_name: "", mfa: true, created_at: "", modified_at: "" });

/** Whom the list of people names first, and whom its next page does. */
function answer(request: Request): Response {
  const { pathname, searchParams } = new URL(request.url);
  const headers = { "content-type": "application/json" };
  if (request.method === "POST") return new Response('{"id":7}', { status: 201, headers });
  if (pathname !== "/api/users") return new Response('{"data":[],"next_cursor":null}', { headers });
  if (searchParams.get("cursor") === "2") return new Response(JSON.stringify([person("zelda", "Zelda")]), { headers });
  return new Response(JSON.stringify([person("bugs", "Bugs"), person("duck", "Daffy")]), { headers: { ...headers, link: '</api/users?cursor=2>; rel="next"' } });
}

function show(form: ReactNode) {
  render(<QueryClientProvider client={newQueryClient()}>{form}</QueryClientProvider>);
  return userEvent.setup();
}

beforeEach(() => {
  begun.length = 0;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    if (request.method === "POST") begun.push(await request.clone().text());
    return answer(request);
  });
});

it("finds somebody of a later page to chat with", async () => {
  const onBegun = vi.fn();
  const user = show(<ChatForm me="bugs" onBegun={onBegun} />);
  await user.click(await screen.findByRole("button", { name: /Zelda/ }));
  await waitFor(() => expect(onBegun).toHaveBeenCalledWith(7));
  expect(begun).toEqual(['{"kind":"direct","user_name":"zelda"}']);
});

it("begins a group with somebody of a later page, once it has a name and people", async () => {
  const onBegun = vi.fn();
  const user = show(<GroupForm me="bugs" onBegun={onBegun} />);
  await screen.findByRole("checkbox", { name: /Zelda/ });
  await user.click(screen.getByRole("button", { name: "Begin" }));
  expect(screen.getByText("Give the group a name")).toBeVisible();
  expect(screen.getByText("Choose at least one person")).toBeVisible();
  expect(begun).toEqual([]);
  await user.type(screen.getByRole("textbox", { name: "Name of the group" }), " Links ");
  await user.click(screen.getByRole("checkbox", { name: /Zelda/ }));
  await user.click(screen.getByRole("button", { name: "Begin" }));
  await waitFor(() => expect(onBegun).toHaveBeenCalledWith(7));
  expect(begun).toEqual(['{"kind":"group","name":"Links","members":["zelda"]}']);
});
