/** The handsets and the carrier's day, as somebody uses them. */
import { QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactElement } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { newQueryClient } from "../../api/query";
import { AnswerForm } from "./answer";
import { ChaosPanel } from "./chaos";
import { HandsetPanel } from "./handset";

const AT = "2030-01-01T12:00:00.000000Z";
const CALM = { rate_429: 0, rate_500: 0, rate_hang: 0, rate_reply_lost: 0, receipts: "ordered", latency_ms: [0, 0], seed: 3 };

interface Asked {
  what: string;
  body: unknown;
  credentials: string;
}
const asked: Asked[] = [];
const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });

function server(answers: Record<string, () => Response>) {
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    const what = `${request.method} ${decodeURIComponent(new URL(request.url).pathname)}`;
    asked.push({ what, body: request.method === "GET" ? undefined : await request.json(), credentials: request.credentials });
    return answers[what]?.() ?? json({ data: [], next_cursor: null });
  });
}

function show(element: ReactElement) {
  return render(<QueryClientProvider client={newQueryClient()}>{element}</QueryClientProvider>);
}

const told = (what: string) => asked.filter((one) => one.what === what).map((one) => one.body);

beforeEach(() => {
  asked.length = 0;
});

describe("a handset", () => {
  const carried = (facts: object) => ({ id: "sim-1", type: "sms", from: "+12015550100", to: "+12025550142", body: "", attachments: [], timestamp: AT, at: AT, ...facts });
  const handsets = { data: [{ address: "+12025550142", message_count: 2, last_message_at: AT }], next_cursor: null };

  it("shows what arrived, with a login code to copy", async () => {
    server({
      "GET /api/simulator/handsets": () => json(handsets),
      "GET /api/simulator/handsets/+12025550142": () => json({ data: [carried({ body: "969022 is your Switchboard code for signing in." })] }),
    });
    show(<HandsetPanel address="+12025550142" defaultSender="+12015550100" onClose={() => {}} />);
    expect(await screen.findByText(/969022 is your Switchboard code/)).toBeVisible();
    expect(screen.getByRole("button", { name: "Copy 969022" })).toBeVisible();
  });

  it("shows hostile text as text", async () => {
    server({
      "GET /api/simulator/handsets": () => json(handsets),
      "GET /api/simulator/handsets/+12025550142": () => json({ data: [carried({ body: "<img src=x onerror=alert(1)> javascript:alert(1)", attachments: ["javascript:alert(2)"] })] }),
    });
    const { container } = show(<HandsetPanel address="+12025550142" defaultSender="+12015550100" onClose={() => {}} />);
    expect(await screen.findByText("<img src=x onerror=alert(1)> javascript:alert(1)")).toBeVisible();
    expect(screen.getByText("javascript:alert(2)")).toBeVisible();
    expect(container.querySelectorAll("img, a")).toHaveLength(0);
  });

  it("is asked for as this machine, whoever is signed in", async () => {
    server({ "GET /api/simulator/handsets": () => json(handsets) });
    show(<HandsetPanel address="+12025550142" defaultSender="+12015550100" onClose={() => {}} />);
    await waitFor(() => expect(asked.some(({ what }) => what === "GET /api/simulator/handsets/+12025550142")).toBe(true));
    expect(asked.every(({ credentials }) => credentials === "omit")).toBe(true);
  });
});

describe("an answer", () => {
  const WRITE = "POST /api/simulator/handsets/+12025550142/messages";

  it("goes with Enter, to whoever wrote last, and clears the box", async () => {
    server({ [WRITE]: () => json({ id: 1 }, 201) });
    show(<AnswerForm address="+12025550142" recipients={["+12015550100", "+12015550199"]} />);
    const box = screen.getByRole("textbox", { name: "Answer from +12025550142 to +12015550100" });
    await userEvent.type(box, "Loud and clear{Enter}");
    await waitFor(() => expect(box).toHaveValue(""));
    expect(told(WRITE)).toEqual([{ to: "+12015550100", body: "Loud and clear", attachments: null }]);
  });

  it("keeps what was typed when it is refused, and says why", async () => {
    server({ [WRITE]: () => json({ status: 400, code: "invalid_request", detail: "1 field is not right: body", errors: [{ field: "body", code: "too_long", message: "must have at most 1,600 characters" }] }, 400) });
    show(<AnswerForm address="+12025550142" recipients={["+12015550100"]} />);
    const box = screen.getByRole("textbox");
    await userEvent.type(box, "Hm{Enter}");
    expect(await screen.findByText("must have at most 1,600 characters")).toBeVisible();
    expect(box).toHaveValue("Hm");
  });

  it("brings a picture by its address, and nothing when there is nothing", async () => {
    server({ [WRITE]: () => json({ id: 1 }, 201) });
    show(<AnswerForm address="+12025550142" recipients={["+12015550100"]} />);
    await userEvent.type(screen.getByRole("textbox"), "{Enter}");
    await userEvent.click(screen.getByRole("button", { name: "Add a picture by its address" }));
    await userEvent.type(screen.getByRole("textbox", { name: "Address of a picture" }), "https://example.com/cat.png");
    await userEvent.click(screen.getByRole("button", { name: "Send from +12025550142" }));
    await waitFor(() => expect(told(WRITE)).toEqual([{ to: "+12015550100", body: "", attachments: ["https://example.com/cat.png"] }]));
  });
});

describe("the carrier's day", () => {
  const SET = "PUT /api/simulator/chaos";

  it("is set by its name, and keeps the seed", async () => {
    server({ "GET /api/simulator/chaos": () => json(CALM), [SET]: () => json({ ...CALM, rate_500: 0.9 }) });
    show(<ChaosPanel />);
    expect(await screen.findByRole("button", { name: "Calm" })).toHaveAttribute("aria-pressed", "true");
    await userEvent.click(screen.getByRole("button", { name: "Outage" }));
    await waitFor(() => expect(told(SET)).toHaveLength(1));
    expect(told(SET)[0]).toMatchObject({ rate_500: 0.9, receipts: "off", seed: 3 });
  });

  it("tells the carrier where a slider came to rest, not every step of it", async () => {
    server({ "GET /api/simulator/chaos": () => json(CALM), [SET]: () => json({ ...CALM, rate_429: 0.3 }) });
    show(<ChaosPanel />);
    const slider = await screen.findByRole("slider", { name: "Too busy" });
    for (const value of ["0.1", "0.2", "0.3"]) fireEvent.change(slider, { target: { value } });
    await waitFor(() => expect(told(SET)).toHaveLength(1));
    expect(told(SET)[0]).toMatchObject({ rate_429: 0.3 });
    expect(slider).toHaveAttribute("aria-valuetext", "30 %");
  });

  it("says why a day could not be set", async () => {
    server({ "GET /api/simulator/chaos": () => json(CALM), [SET]: () => json({ status: 403, code: "forbidden", detail: "only the operator may" }, 403) });
    const { container } = show(<ChaosPanel />);
    await userEvent.click(await screen.findByRole("button", { name: "Bad day" }));
    expect(await within(container).findByText("Only the operator may.")).toBeVisible();
  });
});
