import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../../../api/problem";
import { newQueryClient } from "../../../api/query";
import { Cancelled, useFreshCode } from "./fresh-code";

const WANTED = new Problem({ status: 403, code: "verification_required", detail: "no code was right within the last ten minutes" });

let asked: { path: string; body: unknown }[];
let sendCode: () => Response;

function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json", ...headers } });
}

beforeEach(() => {
  asked = [];
  sendCode = () => json({ verification: { channel: "sms", to: "...0102", expires_at: new Date(Date.now() + 600_000).toISOString() } }, 202);
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    const path = new URL(request.url).pathname;
    asked.push({ path, body: await request.json() });
    return path === "/api/auth/send-code" ? sendCode() : json({ message: "2FA completed successfully" });
  });
});

function Page({ act }: { act: () => Promise<string> }) {
  const { withFreshCode, dialog } = useFreshCode("change_profile", "A code is wanted.");
  const [outcome, setOutcome] = useState("");
  const run = () =>
    withFreshCode(act).then(setOutcome, (error: unknown) => setOutcome(error instanceof Cancelled ? "cancelled" : error instanceof Error ? `failed: ${error.message}` : "failed"));
  return (
    <>
      <button type="button" onClick={() => void run()}>
        Do it
      </button>
      <p>{outcome}</p>
      {dialog}
    </>
  );
}

async function start(act: () => Promise<string>) {
  const user = userEvent.setup();
  render(
    <QueryClientProvider client={newQueryClient()}>
      <Page act={act} />
    </QueryClientProvider>,
  );
  await user.click(screen.getByRole("button", { name: "Do it" }));
  return user;
}

describe("what wants a fresh code", () => {
  it("is done at once when a code was right of late", async () => {
    await start(() => Promise.resolve("done"));
    expect(await screen.findByText("done")).toBeInTheDocument();
    expect(asked).toEqual([]);
  });

  it("is done after the code, which is asked for once", async () => {
    const act = vi.fn<() => Promise<string>>().mockRejectedValueOnce(WANTED).mockResolvedValue("done");
    const user = await start(act);
    await user.type(await screen.findByRole("textbox", { name: "Code" }), "123456");
    expect(await screen.findByText("done")).toBeInTheDocument();
    expect(act).toHaveBeenCalledTimes(2);
    expect(asked).toEqual([
      { path: "/api/auth/send-code", body: { purpose: "change_profile" } },
      { path: "/api/auth/verify-code", body: { code: "123456", purpose: "change_profile" } },
    ]);
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  });

  it("is not done when the person thinks better of it", async () => {
    const act = vi.fn<() => Promise<string>>().mockRejectedValue(WANTED);
    const user = await start(act);
    await user.click(await screen.findByRole("button", { name: "Close" }));
    expect(await screen.findByText("cancelled")).toBeInTheDocument();
    expect(act).toHaveBeenCalledTimes(1);
  });

  it("waits for the code that is on its way already", async () => {
    sendCode = () => json({ code: "too_many_codes", detail: "too many codes were sent" }, 429, { "Retry-After": "12" });
    const user = await start(vi.fn<() => Promise<string>>().mockRejectedValueOnce(WANTED).mockResolvedValue("done"));
    expect(await screen.findByRole("button", { name: /New code in 1[123] s/ })).toBeInTheDocument();
    await user.type(screen.getByRole("textbox", { name: "Code" }), "123456");
    expect(await screen.findByText("done")).toBeInTheDocument();
  });

  it("fails as it would without a code, when it was refused for something else", async () => {
    await start(() => Promise.reject(new Problem({ status: 409, code: "taken", detail: "this username is taken" })));
    expect(await screen.findByText("failed: this username is taken")).toBeInTheDocument();
    expect(asked).toEqual([]);
  });
});
