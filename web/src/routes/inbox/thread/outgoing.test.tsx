/** What is not sent yet: it says when it is to go, and comes back to its writer whole. */
import { QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createStore, Provider } from "jotai";
import { expect, test } from "vitest";
import { newQueryClient } from "../../../api/query";
import { formatMoment } from "../../../parts/when";
import { composingAtom } from "../../../state/composing";
import { draftAtom } from "../../../state/drafts";
import { hurriesAtom, type Outgoing, putOutgoingAtom } from "../../../state/outgoing";
import { isOnlineAtom } from "../../../state/online";
import { storedKeys } from "../../../state/stored";
import { OutgoingEntry } from "./outgoing";

const HOUR_MS = 3_600_000;

function refused(more: Partial<Outgoing>): Outgoing {
  return {
    key: "k1",
    conversationId: 7,
    type: "sms",
    body: "hello",
    attachments: [],
    at: new Date().toISOString(),
    state: "failed",
    owner: "user:1",
    tab: "t1",
    after: 0,
    request: { route: "reply", body: { body: "hello" } },
    ...more,
  };
}

function show(outgoing: Outgoing) {
  const store = createStore();
  render(
    <QueryClientProvider client={newQueryClient()}>
      <Provider store={store}>
        <section data-thread tabIndex={-1} aria-label="Messages">
          <OutgoingEntry outgoing={outgoing} />
        </section>
      </Provider>
    </QueryClientProvider>,
  );
  return { store, user: userEvent.setup() };
}

test("one that is scheduled says for when, and whether that is over", () => {
  const to = new Date(Date.now() + HOUR_MS);
  show(refused({ scheduledAt: to.toISOString(), state: "waiting" }));
  expect(screen.getByText(`To be sent ${formatMoment(to)}`)).toBeInTheDocument();
  const over = new Date(Date.now() - HOUR_MS);
  show(refused({ scheduledAt: over.toISOString() }));
  expect(screen.getByText(`Was to be sent ${formatMoment(over)}; that time is over`)).toBeInTheDocument();
});

test("one that is taken back keeps its time and its way", async () => {
  const scheduledAt = new Date(Date.now() + HOUR_MS).toISOString();
  const { store, user } = show(refused({ scheduledAt, way: "sms +12015550100 +12015550124 cc" }));
  await user.click(screen.getByRole("button", { name: "Edit" }));
  expect(store.get(draftAtom(7))).toBe("hello");
  expect(store.get(composingAtom(7))).toMatchObject({ scheduledAt, way: "sms +12015550100 +12015550124 cc" });
});

test("one that the server keeps failing says so and when it is tried again, and comes back whole", async () => {
  const trouble = { since: Date.now() - HOUR_MS, nextAt: Date.now() + 60_000, error: "Something broke." };
  const outgoing = refused({ state: "waiting", trouble });
  const { store, user } = show(outgoing);
  store.set(putOutgoingAtom, outgoing);
  expect(screen.getByText("The server answers with an error: Something broke.")).toBeInTheDocument();
  expect(document.querySelector("time")).toHaveAttribute("datetime", new Date(trouble.nextAt).toISOString());
  expect(screen.queryByText(/when the server is reached/)).toBeNull();
  await user.click(screen.getByRole("button", { name: "Try now" }));
  expect(store.get(hurriesAtom)).toBe(1);
  await user.click(screen.getByRole("button", { name: "Take back" }));
  const dialog = await screen.findByRole("dialog");
  expect(dialog).toHaveTextContent("It may have been taken already. Look before you send it again.");
  expect(storedKeys("outgoing.")).toEqual(["outgoing.k1"]);
  await user.click(within(dialog).getByRole("button", { name: "Take back" }));
  expect(store.get(draftAtom(7))).toContain("hello");
  expect(storedKeys("outgoing.")).toEqual([]);
});

test("one that waits says that the server is not reached only while that is so", () => {
  const { store } = show(refused({ state: "waiting" }));
  expect(screen.getByText("Not sent yet")).toBeInTheDocument();
  act(() => store.set(isOnlineAtom, false));
  expect(screen.getByText("Kept here; sent when the server is reached")).toBeInTheDocument();
});

test("one that the operator said for somebody is said for them again", async () => {
  const request = { route: "reply", body: { body: "hello", sender_user_name: "duck" } } as const;
  const { store, user } = show(refused({ type: "chat", request }));
  await user.click(screen.getByRole("button", { name: "Edit" }));
  expect(store.get(composingAtom(7)).speaker).toBe("duck");
});

test("one that is being tried is not taken back meanwhile, and a fault that just began is not told of", () => {
  const since = Date.now() - HOUR_MS;
  const trouble = { since, nextAt: Date.now(), error: "Something broke." };
  show(refused({ state: "sending", trouble }));
  expect(screen.getByRole("button", { name: "Take back" })).toHaveAttribute("aria-disabled", "true");
  cleanup();
  show(refused({ state: "waiting", trouble: { ...trouble, since: Date.now() } }));
  expect(screen.queryByRole("button", { name: "Take back" })).toBeNull();
});

test("what is discarded, or tried again, leaves the focus in the thread, and is no alert each time it is scrolled to", async () => {
  for (const name of ["Discard", "Try again"]) {
    const { user } = show(refused({ error: "It is too long." }));
    expect(screen.queryByRole("alert")).toBeNull();
    await user.click(screen.getByRole("button", { name }));
    expect(screen.getByRole("region", { name: "Messages" })).toHaveFocus();
    cleanup();
  }
});
