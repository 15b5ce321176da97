/** Signing out: what is not sent is asked about, and gone only with whoever left. */
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createStore, Provider } from "jotai";
import { expect, test, vi } from "vitest";
import { newQueryClient } from "../api/query";
import { draftAtom } from "../state/drafts";
import { allOutgoingAtom, claimOutgoingAtom, sendAtom } from "../state/outgoing";
import { endSession } from "../state/session";
import { storedKeys } from "../state/stored";
import { Button } from "./button";
import { useSignOut } from "./sign-out";

const ME = "user:1";

function Leaving({ onLeft }: { onLeft: () => void }) {
  const { start, question } = useSignOut(ME, onLeft);
  return (
    <>
      <Button onClick={start}>Sign out</Button>
      {question}
    </>
  );
}

function show(unsent: readonly string[], status = 204, elsewhere: readonly string[] = []) {
  const asked = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(null, { status }));
  const store = createStore();
  const send = (body: string) =>
    store.set(sendAtom, { conversationId: 7, type: "sms", body, attachments: [], after: 0, request: { route: "reply", body: { body } } });
  store.set(claimOutgoingAtom, `${ME}@9`);
  for (const body of elsewhere) send(body);
  store.set(claimOutgoingAtom, ME);
  for (const body of unsent) send(body);
  const onLeft = vi.fn<() => void>();
  render(
    <QueryClientProvider client={newQueryClient()}>
      <Provider store={store}>
        <Leaving onLeft={onLeft} />
      </Provider>
    </QueryClientProvider>,
  );
  const kept = () => store.get(allOutgoingAtom).map(({ body }) => body);
  return { asked, onLeft, kept, user: userEvent.setup() };
}

test("who leaves unsent messages behind is asked, and keeps them by staying", async () => {
  const { asked, kept, user } = show(["one", "two"]);
  await user.click(screen.getByRole("button", { name: "Sign out" }));
  expect(await screen.findByText("2 messages are not sent")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Cancel" }));
  expect(asked).not.toHaveBeenCalled();
  expect(kept()).toEqual(["one", "two"]);
});

test("who leaves all the same takes them along", async () => {
  const { onLeft, kept, user } = show(["one"]);
  await user.click(screen.getByRole("button", { name: "Sign out" }));
  expect(await screen.findByText("1 message is not sent")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Sign out and drop" }));
  await waitFor(() => expect(onLeft).toHaveBeenCalled());
  expect(kept()).toEqual([]);
  expect(storedKeys("outgoing.")).toEqual([]);
});

test("who leaves is told how much of it waits in another workspace", async () => {
  const { onLeft, user } = show(["one"], 204, ["far", "away"]);
  await user.click(screen.getByRole("button", { name: "Sign out" }));
  expect(await screen.findByText("3 messages are not sent")).toBeInTheDocument();
  expect(screen.getByText(/2 of them wait in another workspace: your profile lists them/)).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Sign out and drop" }));
  await waitFor(() => expect(onLeft).toHaveBeenCalled());
  expect(storedKeys("outgoing.")).toEqual([]);
});

test("who could not leave has lost nothing", async () => {
  const { asked, onLeft, kept, user } = show(["one"], 500);
  await user.click(screen.getByRole("button", { name: "Sign out" }));
  await user.click(await screen.findByRole("button", { name: "Sign out and drop" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked).toHaveBeenCalled();
  expect(onLeft).not.toHaveBeenCalled();
  expect(kept()).toEqual(["one"]);
});

test("who leaves nothing behind is not asked", async () => {
  const { onLeft, user } = show([]);
  await user.click(screen.getByRole("button", { name: "Sign out" }));
  await waitFor(() => expect(onLeft).toHaveBeenCalled());
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("a session that is dropped for the operator's takes no drafts along", async () => {
  show([]);
  createStore().set(draftAtom(7), "half a word");
  await endSession();
  expect(storedKeys("draft.")).toEqual(["draft.7"]);
});
