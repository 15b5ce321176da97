/** The composer: what a key does, what is sent and what never is. */
import { QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createStore, Provider } from "jotai";
import { afterEach, expect, test, vi } from "vitest";
import type { Conversation } from "../../../api/conversations";
import { keys } from "../../../api/keys";
import { newQueryClient } from "../../../api/query";
import { composingAtom } from "../../../state/composing";
import { claimOutgoingAtom, dropOutgoingAtom, outgoingAtom } from "../../../state/outgoing";
import { draftAtom } from "../../../state/drafts";
import { type Session, sessionQuery } from "../../../state/session";
import { Composer } from ".";

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

const text = {
  id: 1,
  conversation_id: 7,
  direction: "inbound",
  type: "sms",
  from: "+12015550123",
  to: "+12015550100",
  body: "Hi",
  attachments: [],
  recipients: [],
  status: "received",
  final: true,
  possible_duplicate: false,
  timestamp: AT,
  created_at: AT,
  updated_at: AT,
};

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
const asked: { path: string; body: unknown }[] = [];

function server(answers: Record<string, () => Response | Promise<Response>>) {
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    const { pathname } = new URL(request.url);
    if (request.method !== "GET") asked.push({ path: `${request.method} ${pathname}`, body: await request.json() });
    const answer = answers[`${request.method} ${pathname}`];
    return answer ? answer() : json({ data: [], next_cursor: null });
  });
}

async function open(answers: Record<string, () => Response | Promise<Response>> = {}, isWhole = true) {
  asked.length = 0;
  server({
    "GET /api/conversations/7": () => json(conversation),
    "GET /api/conversations/7/messages": () => json({ data: [text], next_cursor: null }),
    "GET /api/app": () => json({ default_sender: "+12015550100", senders: ["+12015550100"], max_segments: 2 }),
    ...answers,
  });
  const client = newQueryClient();
  const session: Session = { kind: "operator", role: "admin", isDev: true };
  client.setQueryData<Session>(sessionQuery.queryKey, session);
  const store = createStore();
  store.set(claimOutgoingAtom, "operator");
  const view = render(
    <QueryClientProvider client={client}>
      <Provider store={store}>
        <Composer conversationId={7} />
      </Provider>
    </QueryClientProvider>,
  );
  const box = await screen.findByRole("textbox", { name: "Message" });
  if (isWhole) await screen.findByText(/Text from \(201\) 555-0100 to \(201\) 555-0123/);
  const sent = () => store.get(outgoingAtom(7));
  return { ...view, user: userEvent.setup(), box, sent, store, client };
}

afterEach(() => {
  cleanup();
  createStore().set(composingAtom(7), (now) => ({ ...now, mode: "message", note: "", way: undefined, scheduledAt: undefined, lost: [] }));
  localStorage.clear();
});

test("Enter sends, and the box is empty for the next one", async () => {
  const { user, box, sent } = await open();
  await user.type(box, "hello{Enter}");
  expect(sent().map(({ body, request }) => [body, request])).toEqual([["hello", { route: "sms", body: { body: "hello", attachments: [], type: "sms", from: text.to, to: text.from } }]]);
  expect(box).toHaveValue("");
  expect(box).toHaveFocus();
});

test("Shift-Enter makes a line and sends nothing", async () => {
  const { user, box, sent } = await open();
  await user.type(box, "one{Shift>}{Enter}{/Shift}two");
  expect(box).toHaveValue("one\ntwo");
  expect(sent()).toEqual([]);
});

test("the Enter that ends an input method's word sends nothing", async () => {
  const { user, box, sent } = await open();
  await user.type(box, "にほん");
  fireEvent.keyDown(box, { key: "Enter", isComposing: true });
  fireEvent.keyDown(box, { key: "Enter", keyCode: 229 });
  expect(sent()).toEqual([]);
});

test("nothing is sent of blanks alone", async () => {
  const { user, box, sent } = await open();
  await user.type(box, "   {Enter}");
  expect(sent()).toEqual([]);
  expect(box).toHaveValue("   ");
});

test("what cannot be sent says why when it is to be, where it was written, until that changes", async () => {
  const { user, box, sent } = await open();
  await user.click(screen.getByRole("button", { name: "Send" }));
  expect(screen.getByRole("alert")).toHaveTextContent("Write something first");
  expect(box).toHaveFocus();
  expect(box).toHaveAccessibleDescription("Write something first");
  await user.type(box, "hello");
  expect(screen.queryByRole("alert")).toBeNull();
  await user.clear(box);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(sent()).toEqual([]);
});

test("nothing is sent while it is not known to whom", async () => {
  const loading = new Promise<Response>(() => {});
  const { user, box, sent } = await open({ "GET /api/conversations/7/messages": () => loading }, false);
  await user.type(box, "hello{Enter}");
  expect(screen.getByRole("alert")).toHaveTextContent("No address is known yet to send it to");
  expect(sent()).toEqual([]);
  expect(box).toHaveValue("hello");
});

/** From another number than the last one, and newer. */
const other = { ...text, id: 2, from: "+12015550124" };
const OTHER_WAY = "sms +12015550100 +12015550124 cc";

const chosen = () => screen.getByRole<HTMLSelectElement>("combobox", { name: "Send by" }).value;
const subject = () => screen.getByRole("textbox", { name: "Subject" }).getAttribute("placeholder");

test("a way that was chosen and is not there becomes no other", async () => {
  const { user, box, sent, store } = await open();
  act(() => store.set(composingAtom(7), (now) => ({ ...now, way: OTHER_WAY })));
  await user.type(box, "hello{Enter}");
  expect(screen.getByRole("alert")).toHaveTextContent("The way you chose is not there now: choose one");
  expect(sent()).toEqual([]);
  await user.selectOptions(screen.getByRole("combobox", { name: "Send by" }), "Text from (201) 555-0100 to (201) 555-0123");
  await user.type(box, "{Enter}");
  expect(sent().map(({ to }) => to)).toEqual([text.from]);
});

test("a way that was chosen is waited for while the contact is read", async () => {
  let answer: ((response: Response) => void) | undefined;
  const contact = new Promise<Response>((resolve) => (answer = resolve));
  const { user, box, sent, store } = await open({
    "GET /api/conversations/7": () => json({ ...conversation, contact: { id: 3, name: "Ada" } }),
    "GET /api/contacts/3": () => contact,
  });
  act(() => store.set(composingAtom(7), (now) => ({ ...now, way: OTHER_WAY })));
  await user.type(box, "hello{Enter}");
  expect(screen.getByRole("alert")).toHaveTextContent("still being looked for");
  expect(sent()).toEqual([]);
  answer?.(json({ id: 3, name: "Ada", addresses: [other.from] }));
  await waitFor(() => expect(screen.getByRole("combobox", { name: "Send by" })).toHaveValue(OTHER_WAY));
  await user.type(box, "{Enter}");
  expect(sent().map(({ to }) => to)).toEqual([other.from]);
});

test("what comes in while a text is written does not send it elsewhere, until it went or was given up", async () => {
  let messages = [text];
  const { user, box, sent, client } = await open({ "GET /api/conversations/7/messages": () => json({ data: messages, next_cursor: null }) });
  const comesIn = async (all: (typeof text)[]) => {
    messages = all;
    await act(() => client.invalidateQueries({ queryKey: keys.messages(7) }));
  };
  await user.type(box, "hel");
  await comesIn([other, text]);
  await user.type(box, "lo{Enter}");
  expect(sent().map(({ to }) => to)).toEqual([text.from]);
  await user.type(box, "and");
  expect(chosen()).toBe("sms +12015550100 +12015550123 cc");
  await user.clear(box);
  await comesIn([{ ...text, id: 3, from: "+12015550125" }, other, text]);
  expect(chosen()).toBe("sms +12015550100 +12015550123 cc");
});

test("a way goes with its text", async () => {
  let messages = [text];
  const { user, box, sent, store, client } = await open({ "GET /api/conversations/7/messages": () => json({ data: messages, next_cursor: null }) });
  await user.type(box, "hello{Enter}");
  messages = [other, text];
  await act(() => client.invalidateQueries({ queryKey: keys.messages(7) }));
  act(() => store.set(dropOutgoingAtom, sent()[0]?.key ?? ""));
  expect(await screen.findByRole("combobox", { name: "Send by" })).toHaveValue(OTHER_WAY);
});

test("an emptied text goes as the last message did", async () => {
  let messages = [text];
  const { user, box, client } = await open({ "GET /api/conversations/7/messages": () => json({ data: messages, next_cursor: null }) });
  await user.type(box, "hello");
  messages = [other, text];
  await act(() => client.invalidateQueries({ queryKey: keys.messages(7) }));
  await waitFor(() => expect(screen.getByRole("combobox", { name: "Send by" })).toHaveValue("sms +12015550100 +12015550123 cc"));
  await user.clear(box);
  expect(screen.getByRole("combobox", { name: "Send by" })).toHaveValue(OTHER_WAY);
});

test("the subject that is shown is that of the mail that is answered", async () => {
  const mail = { ...text, type: "email", from: "a@example.com", to: "us@example.com", subject: "The plan" };
  const later = { ...mail, id: 2, from: "b@example.com", subject: "Another" };
  const { user } = await open(
    {
      "GET /api/conversations/7": () => json({ ...conversation, last_message: later, contact: { id: 3, name: "Ada" } }),
      "GET /api/conversations/7/messages": () => json({ data: [later, mail], next_cursor: null }),
      "GET /api/contacts/3": () => json({ id: 3, name: "Ada", addresses: ["c@example.com"] }),
    },
    false,
  );
  const select = await screen.findByRole("combobox", { name: "Send by" });
  expect(subject()).toBe("Subject: Another");
  await user.selectOptions(select, "Email from us@example.com to a@example.com");
  expect(subject()).toBe("Subject: The plan");
  await user.selectOptions(select, await screen.findByRole("option", { name: "Email from us@example.com to c@example.com" }));
  expect(subject()).toBe("Subject");
});

test("a file whose upload ended with the page is named, and nothing is sent without it unasked", async () => {
  const { user, box, sent, store } = await open();
  act(() => store.set(composingAtom(7), (now) => ({ ...now, lost: ["plan.pdf"] })));
  expect(screen.getByText(/Not attached, because the page was left/)).toHaveTextContent("plan.pdf");
  await user.type(box, "see the plan{Enter}");
  expect(screen.getByRole("alert")).toHaveTextContent("A file is not attached");
  expect(sent()).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Do without" }));
  await user.type(box, "{Enter}");
  expect(sent()).toHaveLength(1);
});

test("a text over the limit is not sent, and says so", async () => {
  const { box, sent, user } = await open();
  fireEvent.change(box, { target: { value: "x".repeat(400) } });
  await user.type(box, "{Enter}");
  expect(sent()).toEqual([]);
  expect(screen.getByText(/at most 2 segments. Shorten it/)).toBeInTheDocument();
  expect(box).toHaveValue("x".repeat(400));
});

test("a note goes to the notes, and never to the outbox", async () => {
  const note = { id: 1, body: "secret", created_at: AT, author: { type: "operator" } };
  const { user, box, sent } = await open({ "POST /api/conversations/7/notes": () => json(note, 201) });
  await user.type(box, "for them");
  await user.click(screen.getByRole("button", { name: "Note" }));
  const noteBox = screen.getByRole("textbox", { name: "Internal note" });
  expect(noteBox).toHaveValue("");
  await user.type(noteBox, "secret{Enter}");
  await waitFor(() => expect(asked).toEqual([{ path: "POST /api/conversations/7/notes", body: { body: "secret" } }]));
  await waitFor(() => expect(noteBox).toHaveValue(""));
  expect(sent()).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Reply" }));
  expect(screen.getByRole("textbox", { name: "Message" })).toHaveValue("for them");
});

test("a note keeps what is typed while it is saved, and is saved once", async () => {
  const note = { id: 1, body: "secret", created_at: AT, author: { type: "operator" } };
  const waiting: (() => void)[] = [];
  const held = new Promise<void>((resolve) => void waiting.push(resolve));
  const { user } = await open({ "POST /api/conversations/7/notes": () => held.then(() => json(note, 201)) });
  await user.click(screen.getByRole("button", { name: "Note" }));
  const box = screen.getByRole("textbox", { name: "Internal note" });
  await user.type(box, "secret{Enter}");
  await user.type(box, " and more{Enter}");
  const button = screen.getByRole("button", { name: "Add note" });
  expect(button).toHaveAttribute("aria-busy", "true");
  for (const release of waiting) release();
  await waitFor(() => expect(button).not.toHaveAttribute("aria-busy", "true"));
  expect(asked.map(({ body }) => body)).toEqual([{ body: "secret" }]);
  expect(box).toHaveValue("secret and more");
});

test("a note that was not taken stays, and says why", async () => {
  const { user } = await open({ "POST /api/conversations/7/notes": () => json({ status: 503, code: "away", detail: "The database is away" }, 503) });
  await user.click(screen.getByRole("button", { name: "Note" }));
  const box = screen.getByRole("textbox", { name: "Internal note" });
  await user.type(box, "secret{Enter}");
  expect(await screen.findByText("The database is away.")).toBeInTheDocument();
  expect(box).toHaveValue("secret");
});

test("a form in a dialog that was opened from here does not send what is being written", async () => {
  const { user, box, sent } = await open();
  await user.type(box, "not yet");
  await user.click(screen.getByRole("button", { name: "Send later" }));
  const field = await screen.findByLabelText("Another date and time");
  const form = field.closest("form");
  if (!form) throw new Error("no form");
  fireEvent.submit(form);
  expect(sent()).toEqual([]);
});

test("a time that is over says so, and nothing is sent at it", async () => {
  const { user, box, sent, store } = await open();
  await user.type(box, "hello");
  const scheduledAt = new Date(Date.now() - 3_600_000).toISOString();
  act(() => store.set(composingAtom(7), (now) => ({ ...now, scheduledAt })));
  expect(screen.getByText(/That time is over: choose another/)).toBeInTheDocument();
  await user.type(box, "{Enter}");
  expect(sent()).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Send it at once instead" }));
  await user.type(box, "{Enter}");
  expect(sent()).toHaveLength(1);
});

test("who opted out is named before anything is written to them", async () => {
  const consent = { id: 1, address: "+12015550123", channel: "sms", state: "opted_out", source: "keyword", actor: "", evidence: {}, at: AT };
  await open({ "GET /api/consents": () => json({ data: [consent], next_cursor: null }) });
  expect(await screen.findByText(/wants no texts any more/)).toBeInTheDocument();
});

test("what was typed is kept as a draft", async () => {
  const { user, box, store } = await open();
  await user.type(box, "half a sen");
  expect(store.get(draftAtom(7))).toBe("half a sen");
});
