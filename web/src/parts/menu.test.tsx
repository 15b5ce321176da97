import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Button } from "./button";
import { Menu, MenuItem } from "./menu";

function show() {
  const onSelect = vi.fn();
  render(
    <Menu trigger={<Button>More</Button>}>
      <MenuItem onSelect={onSelect}>Close it</MenuItem>
    </Menu>,
  );
  return { onSelect, user: userEvent.setup(), button: screen.getByRole("button", { name: "More" }) };
}

it("opens from its button, does what is chosen, and gives the focus back", async () => {
  const { user, button, onSelect } = show();
  expect(button).toHaveAttribute("aria-haspopup", "menu");
  await user.click(button);
  await user.click(await screen.findByRole("menuitem", { name: "Close it" }));
  expect(onSelect).toHaveBeenCalledOnce();
  await waitFor(() => expect(screen.queryByRole("menu")).toBeNull());
  expect(button).toHaveAttribute("aria-expanded", "false");
  await waitFor(() => expect(button).toHaveFocus());
});

it("closes with Escape, with Tab and with another press of its button", async () => {
  const { user, button, onSelect } = show();
  for (const key of ["{Escape}", "{Tab}"]) {
    await user.click(button);
    await screen.findByRole("menu");
    await user.keyboard(key);
    await waitFor(() => expect(screen.queryByRole("menu")).toBeNull());
  }
  await user.click(button);
  await screen.findByRole("menu");
  await user.click(button);
  await waitFor(() => expect(screen.queryByRole("menu")).toBeNull());
  expect(onSelect).not.toHaveBeenCalled();
});
