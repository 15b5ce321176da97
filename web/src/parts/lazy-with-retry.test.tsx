/** Parts that are fetched when they are wanted, and that the server could not give the first time. */
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Suspense, useState } from "react";
import { beforeEach, expect, it, vi } from "vitest";
import { api } from "../api/client";
import { type LazyPart, lazyWithRetry } from "./lazy-with-retry";
import { Toasts, unopened } from "./toasts";

let isAway = false;
const load = vi.fn(async () => {
  if (isAway) throw new TypeError("Failed to fetch dynamically imported module");
  return function Panel({ name }: { name: string }) {
    return <p>The panel of {name}</p>;
  };
});

beforeEach(() => {
  isAway = true;
  load.mockClear();
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    if (isAway) throw new TypeError("Failed to fetch");
    return new Response('{"status":"ok"}', { headers: { "content-type": "application/json" } });
  });
});

it("says in its place that it could not be had, and comes when it is tried again", async () => {
  const Panel = lazyWithRetry(load);
  render(<Suspense fallback="Loading"><Panel name="bugs" /></Suspense>);
  expect(await screen.findByRole("alert")).toHaveTextContent("The server cannot be reached");
  isAway = false;
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("The panel of bugs")).toBeVisible();
});

function Opener({ Panel }: { Panel: LazyPart<{ name: string }> }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(true)}>
        Open
      </button>
      <Suspense>{isOpen && <Panel name="bugs" onFailure={unopened(() => setOpen(false))} />}</Suspense>
    </>
  );
}

it("is closed again when it cannot be opened, says so, and opens with the next click", async () => {
  const Panel = lazyWithRetry(load);
  render(
    <>
      <Opener Panel={Panel} />
      <Toasts />
    </>,
  );
  const button = screen.getByRole("button", { name: "Open" });
  await userEvent.click(button);
  expect(await screen.findByText(/could not be opened/)).toBeVisible();
  await waitFor(() => expect(button).toHaveAttribute("aria-expanded", "false"));
  isAway = false;
  await userEvent.click(button);
  expect(await screen.findByText("The panel of bugs")).toBeVisible();
});

it("begins no import while the server is known to be away: a browser may remember that it failed", async () => {
  const Panel = lazyWithRetry(load);
  await api.GET("/api/health").catch(() => {});
  render(<Suspense><Panel name="bugs" /></Suspense>);
  await screen.findByRole("alert");
  expect(load).not.toHaveBeenCalled();
  isAway = false;
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText("The panel of bugs");
  expect(load).toHaveBeenCalledOnce();
});

it("is fetched once for all, ahead of being wanted where that can be, and again where it failed", async () => {
  const Panel = lazyWithRetry(load);
  await Panel.prefetch();
  isAway = false;
  await api.GET("/api/health");
  await Panel.prefetch();
  load.mockClear();
  render(
    <>
      <Panel name="bugs" />
      <Panel name="duck" />
    </>,
  );
  expect(screen.getByText("The panel of duck")).toBeVisible();
  expect(load).not.toHaveBeenCalled();
});
