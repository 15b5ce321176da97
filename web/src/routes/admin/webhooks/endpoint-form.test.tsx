import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Problem } from "../../../api/problem";
import { newQueryClient } from "../../../api/query";
import { EndpointForm } from "./endpoint-form";

it("keeps what was typed when it is refused, beside the field that is wrong, and is saved when it is right", async () => {
  const refusal = new Problem({ status: 400, code: "invalid", detail: "is invalid", errors: [{ field: "url", code: "invalid", message: "must begin with https://" }] });
  const save = vi.fn().mockRejectedValueOnce(refusal).mockResolvedValue({ id: 4 });
  const onSaved = vi.fn();
  render(
    <QueryClientProvider client={newQueryClient()}>
      <EndpointForm initial={{ url: "", events: ["message.failed"] }} action="Add it" save={save} onSaved={onSaved} />
    </QueryClientProvider>,
  );
  const address = screen.getByRole("textbox", { name: /Address/ });
  await userEvent.type(address, " http://a.example ");
  await userEvent.click(screen.getByRole("checkbox", { name: "message.sent" }));
  await userEvent.click(screen.getByRole("button", { name: "Add it" }));
  expect(await screen.findByText("must begin with https://")).toBeVisible();
  expect(screen.getAllByRole("alert").filter((alert) => alert.textContent !== "")).toHaveLength(1);
  await userEvent.clear(address);
  await userEvent.type(address, "https://a.example ");
  await userEvent.click(screen.getByRole("button", { name: "Add it" }));
  await waitFor(() => expect(onSaved).toHaveBeenCalledWith({ id: 4 }));
  expect(save).toHaveBeenLastCalledWith({ url: "https://a.example", events: ["message.failed", "message.sent"] });
});
