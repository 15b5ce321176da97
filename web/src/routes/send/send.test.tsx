import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createStore, Provider } from "jotai";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { newQueryClient } from "../../api/query";
import { queryClientAtom } from "../../state/query-client";
import { SendPage } from ".";
import { checkPhone, refusePhone, tidyPhone } from "./phone";
import { nextCursor, type SentText } from "./texts";

interface Sent {
  key: string | null;
  body: unknown;
}

let sent: Sent[];
let texts: SentText[];
/** How the next sends are answered; then all is well. */
let answers: (() => Response | Promise<Response>)[];

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json" } });
}

function refuse(status: number, code: string, detail: string, errors?: object[]): Response {
  return json({ type: "about:blank", title: "Refused", status, detail, code, errors, request_id: "r1" }, status);
}

async function serve(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/messages") return json(texts);
  if (pathname === "/send-message") {
    const body = await request.json();
    sent.push({ key: request.headers.get("idempotency-key"), body });
    const answer = answers.shift();
    if (answer) return answer();
    return take(body);
  }
  if (pathname === "/api/conversations") return json({ data: [{ id: 1, channels: ["sms"] }], next_cursor: null });
  if (pathname === "/api/conversations/1/messages") {
    return json({ data: texts.map(({ message_id: id }) => ({ id, direction: "outbound", status: "delivered" })), next_cursor: null });
  }
  return refuse(404, "not_found", "there is nothing here");
}

function take(body: object): Response {
  const { recipient_phone: phone, message_body } = { recipient_phone: "", message_body: "", ...body };
  const text = { message_id: 100 + sent.length, recipient_phone: phone, message_body, timestamp: "2026-11-21T10:00:00.000000Z" };
  texts = [text, ...texts];
  return json(text, 201);
}

function text(id: number, body: string): SentText {
  return { message_id: id, recipient_phone: "2015550101", message_body: body, timestamp: `2026-11-21T09:0${id}:00.000000Z` };
}

function show() {
  const client = newQueryClient();
  const store = createStore();
  store.set(queryClientAtom, client);
  const page = render(
    <QueryClientProvider client={client}>
      <Provider store={store}>
        <SendPage />
      </Provider>
    </QueryClientProvider>,
  );
  const phone = screen.getByLabelText("Phone number");
  const message = screen.getByLabelText("Message");
  if (!(phone instanceof HTMLInputElement) || !(message instanceof HTMLTextAreaElement)) throw new Error("no form");
  return { page, user: userEvent.setup(), phone, message };
}

function rows(): string[] {
  return screen.queryAllByRole("listitem").map((row) => within(row).getByRole("paragraph").textContent ?? "");
}

/** Rows are on screen at once; the mark of earlier pages never is. */
class SeenAtOnce {
  readonly #told: (entries: { isIntersecting: boolean }[]) => void;
  constructor(told: (entries: { isIntersecting: boolean }[]) => void) {
    this.#told = told;
  }
  observe(target: Element) {
    if (target.tagName === "LI") this.#told([{ isIntersecting: true }]);
  }
  disconnect() {}
}

beforeEach(() => {
  sent = [];
  texts = [];
  answers = [];
  vi.stubGlobal("IntersectionObserver", SeenAtOnce);
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    if (!(input instanceof Request)) throw new TypeError("not a request");
    return serve(input);
  });
});

describe("the list", () => {
  it("stands above the form, the oldest first, though the server tells the newest first", async () => {
    texts = [text(3, "third"), text(2, "second"), text(1, "first")];
    show();
    await waitFor(() => expect(rows()).toEqual(["first", "second", "third"]));
    const list = screen.getByRole("list");
    const form = screen.getByRole("form", { name: "Send a text" });
    expect(list.compareDocumentPosition(form) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  });

  it("shows phone, body and time of each, and where it stands", async () => {
    texts = [text(1, "<b>not bold</b>")];
    show();
    const row = await screen.findByRole("listitem");
    expect(row).toHaveTextContent("2015550101");
    expect(row).toHaveTextContent("<b>not bold</b>");
    expect(row.querySelector("time")).toHaveAttribute("datetime", "2026-11-21T09:01:00.000000Z");
    expect(await within(row).findByText("Delivered")).toBeInTheDocument();
  });

  it("says what to do when it is empty, and why when it cannot be had", async () => {
    show();
    expect(await screen.findByText("Nothing was sent yet")).toBeInTheDocument();
  });

  it("says why it cannot be had, and tries again", async () => {
    vi.mocked(globalThis.fetch).mockResolvedValueOnce(refuse(403, "forbidden", "agents only"));
    texts = [text(1, "first")];
    const { user } = show();
    const alert = await screen.findByText("Agents only.");
    expect(alert).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(rows()).toEqual(["first"]));
  });
});

describe("the form", () => {
  it("sends, clears, and shows the message as the newest", async () => {
    texts = [text(1, "first")];
    const { user, phone, message } = show();
    await user.type(phone, "2015550199");
    await user.type(message, "Hello");
    await user.click(screen.getByRole("button", { name: "Send" }));
    await waitFor(() => expect(rows()).toEqual(["first", "Hello"]));
    expect(phone.value).toBe("");
    expect(message.value).toBe("");
    expect(phone).toHaveFocus();
    expect(sent).toHaveLength(1);
    expect(sent[0]?.body).toEqual({ recipient_phone: "2015550199", message_body: "Hello" });
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("sends nothing that is not ten digits, and says what is wrong beside the field", async () => {
    const { user, phone, message } = show();
    await user.type(message, "Hello");
    await user.type(phone, "201555");
    expect(phone).not.toHaveAttribute("aria-invalid");
    await user.click(screen.getByRole("button", { name: "Send" }));
    expect(screen.getByText("That is 6 digits; ten are wanted.")).toBeInTheDocument();
    expect(phone).toHaveAttribute("aria-invalid", "true");
    expect(phone).toHaveFocus();
    expect(sent).toHaveLength(0);
    expect(message.value).toBe("Hello");
  });

  it("says at once what no more typing can mend", async () => {
    const { user, phone } = show();
    await user.type(phone, "201x");
    expect(screen.getByText(/Only digits/)).toBeInTheDocument();
    await user.clear(phone);
    await user.type(phone, "20155501011");
    expect(screen.getByText(/That is 11 digits/)).toBeInTheDocument();
  });

  it("wants a message", async () => {
    const { user, phone, message } = show();
    await user.type(phone, "2015550199");
    await user.click(screen.getByRole("button", { name: "Send" }));
    expect(screen.getByText("Write a message.")).toBeInTheDocument();
    expect(message).toHaveFocus();
    expect(sent).toHaveLength(0);
  });

  it("keeps the text when a send fails, says why, and tries again with the same key", async () => {
    answers = [() => refuse(503, "unavailable", "the database is away"), () => Promise.reject(new TypeError("Failed to fetch"))];
    const { user, phone, message } = show();
    await user.type(phone, "2015550199");
    await user.type(message, "Hello");
    await user.click(screen.getByRole("button", { name: "Send" }));
    expect(await screen.findByText("The database is away.")).toBeInTheDocument();
    expect(message.value).toBe("Hello");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText(/cannot be reached/)).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(message.value).toBe(""));
    expect(sent).toHaveLength(3);
    expect(sent[0]?.key).toMatch(/^[!-~]{16,}$/);
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
  });

  it("takes another key for another text, and for the next one", async () => {
    answers = [() => refuse(503, "unavailable", "the database is away")];
    const { user, phone, message } = show();
    await user.type(phone, "2015550199");
    await user.type(message, "Hello");
    await user.click(screen.getByRole("button", { name: "Send" }));
    await screen.findByText("The database is away.");
    await user.type(message, "!");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(message.value).toBe(""));
    await user.type(phone, "2015550199");
    await user.type(message, "Hello!");
    await user.click(screen.getByRole("button", { name: "Send" }));
    await waitFor(() => expect(message.value).toBe(""));
    expect(new Set(sent.map(({ key }) => key)).size).toBe(3);
  });

  it("keeps the key of a try that was not answered over a reload", async () => {
    answers = [() => Promise.reject(new TypeError("Failed to fetch"))];
    const first = show();
    await first.user.type(first.phone, "2015550199");
    await first.user.type(first.message, "Hello");
    await first.user.click(screen.getByRole("button", { name: "Send" }));
    await screen.findByText(/cannot be reached/);
    first.page.unmount();
    vi.resetModules();
    const kept: unknown = JSON.parse(localStorage.getItem("switchboard.draft-send") ?? "null");
    expect(kept).toMatchObject({ message: "Hello", attempt: { key: sent[0]?.key, phone: "2015550199", message: "Hello" } });
  });

  it("does not send again by itself what the server may have forgotten, and then sends it as another", async () => {
    answers = [() => Promise.reject(new TypeError("Failed to fetch"))];
    const { user, phone, message } = show();
    await user.type(phone, "2015550199");
    await user.type(message, "Hello");
    await user.click(screen.getByRole("button", { name: "Send" }));
    await screen.findByText(/cannot be reached/);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 23.5 * 3_600_000);
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText(/may have been sent then/)).toBeInTheDocument();
    expect(sent).toHaveLength(1);
    expect(message.value).toBe("Hello");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(message.value).toBe(""));
    expect(sent).toHaveLength(2);
    expect(sent[1]?.key).not.toBe(sent[0]?.key);
  });

  it("shows what the server says of a field beside it, until that is changed", async () => {
    const message = "must be a string of ten digits";
    answers = [() => refuse(400, "invalid_request", "1 field is not right", [{ field: "recipient_phone", code: "invalid", message }])];
    const { user, phone, message: box } = show();
    await user.type(phone, "0000000000");
    await user.type(box, "Hello");
    await user.click(screen.getByRole("button", { name: "Send" }));
    expect(await screen.findByText("Must be a string of ten digits")).toBeInTheDocument();
    expect(phone).toHaveFocus();
    await user.type(phone, "{Backspace}1");
    expect(screen.queryByText("Must be a string of ten digits")).toBeNull();
  });

  it("takes one send for two clicks", async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    answers = [() => held.then(() => take({ recipient_phone: "2015550199", message_body: "Hello" }))];
    const { user, phone, message } = show();
    await user.type(phone, "2015550199");
    await user.type(message, "Hello");
    const button = screen.getByRole("button", { name: "Send" });
    await user.dblClick(button);
    await user.type(message, "{Control>}{Enter}{/Control}");
    expect(sent).toHaveLength(1);
    expect(button).toHaveAttribute("aria-busy", "true");
    release?.();
    await waitFor(() => expect(message.value).toBe(""));
  });

  it("does not clear what was typed while a message was on its way", async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    answers = [() => held.then(() => take({ recipient_phone: "2015550199", message_body: "Hello" }))];
    const { user, phone, message } = show();
    await user.type(phone, "2015550199");
    await user.type(message, "Hello");
    await user.click(screen.getByRole("button", { name: "Send" }));
    await user.type(message, " again");
    release?.();
    await waitFor(() => expect(rows()).toContain("Hello"));
    expect(message.value).toBe("Hello again");
  });

  it("counts segments while one types, and names what makes a text Unicode", async () => {
    const { user, message } = show();
    expect(screen.getByText(/160 characters left · 1 segment · GSM-7/)).toBeInTheDocument();
    await user.type(message, "It’s");
    expect(screen.getByText(/66 characters left · 1 segment · Unicode/)).toHaveTextContent("because of ’");
  });
});

describe("the phone", () => {
  it("is ten digits", () => {
    expect(checkPhone("2015550101")).toEqual({ isComplete: true, digits: 10 });
    for (const wrong of ["", "201555010", "20155501011", "201555010x", "+12015550101", "２０１５５５０１０１"]) expect(refusePhone(wrong)).toBeDefined();
  });

  it("may be pasted as people write it", () => {
    for (const written of ["(201) 555-0101", "+1 201 555 0101", "1-201-555-0101", "201.555.0101", " 2015550101\n"]) expect(tidyPhone(written)).toBe("2015550101");
    for (const other of ["+44 20 7946 0958", "call me", "55501"]) expect(tidyPhone(other)).toBe(other);
  });
});

describe("nextCursor", () => {
  it("is the one in the link to the next page", () => {
    expect(nextCursor('</messages?limit=100&cursor=abc%3D>; rel="next"')).toBe("abc=");
    expect(nextCursor(null)).toBeNull();
    expect(nextCursor('</messages?cursor=x>; rel="prev"')).toBeNull();
  });
});
