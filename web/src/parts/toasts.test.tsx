/** Notices whose layer is fetched with the first of them. */
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Offline } from "../api/problem";
import { toast, toastFailure, toastOverLoad, Toasts } from "./toasts";

it("says what was told before its layer was there, once, and what is told after it", async () => {
  toast("Saved before anything was shown");
  render(<Toasts />);
  expect(await screen.findByText("Saved before anything was shown")).toBeVisible();
  toastFailure("Not saved", new Offline());
  expect(await screen.findByRole("alert")).toHaveTextContent("Not savedThe server cannot be reached. What you typed is kept.");
  expect(screen.getAllByText("Saved before anything was shown")).toHaveLength(1);
});

/** What a page says as soon as it is loaded. */
async function load() {
  vi.resetModules();
  const said: string[] = [];
  (await import("./toasts")).takeNotices(({ title }) => said.push(title));
  return said;
}

it("says what was told to the page before, once", async () => {
  toastOverLoad("You are in Hutch now");
  expect(await load()).toEqual(["You are in Hutch now"]);
  expect(await load()).toEqual([]);
});

it("does what a notice offers", async () => {
  const undo = vi.fn();
  render(<Toasts />);
  toast("Closed", { label: "Undo", onSelect: undo });
  await userEvent.click(await screen.findByRole("button", { name: "Undo" }));
  expect(undo).toHaveBeenCalledOnce();
});

it("says what happened without its layer, where that cannot be fetched", async () => {
  vi.resetModules();
  vi.doMock("./toast-layer", () => Promise.reject(new TypeError("Failed to fetch")));
  vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("Failed to fetch"));
  const fresh = await import("./toasts");
  render(<fresh.Toasts />);
  fresh.toast("The endpoint is changed");
  expect(await screen.findByRole("alert")).toHaveTextContent("The endpoint is changed.");
  await userEvent.click(screen.getByRole("button", { name: "Dismiss" }));
  expect(screen.queryByRole("alert")).toBeNull();
  vi.doUnmock("./toast-layer");
});
