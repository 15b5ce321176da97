import { QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../../api/problem";
import { newQueryClient } from "../../api/query";
import { CodeStep, type CodeStepProps } from "./code-step";

const START = Date.parse("2026-11-21T22:00:00Z");

function show(props: Partial<CodeStepProps> = {}) {
  const onCode = vi.fn(() => Promise.resolve());
  const onResend = vi.fn(() => Promise.resolve());
  render(
    <QueryClientProvider client={newQueryClient()}>
      <CodeStep
        verification={{ channel: "sms", to: "...0102", expires_at: new Date(START + 600_000).toISOString() }}
        sentAt={START}
        action="Sign in"
        onCode={onCode}
        onResend={onResend}
        {...props}
      />
    </QueryClientProvider>,
  );
  return { onCode, onResend };
}

function field(): HTMLInputElement {
  return screen.getByRole("textbox", { name: "Code" });
}

async function type(text: string) {
  fireEvent.change(field(), { target: { value: text } });
  await pass(10);
}

async function pass(ms: number) {
  await act(() => vi.advanceTimersByTimeAsync(ms));
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(START);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the step of the code", () => {
  it("says where the code went, and can be filled in by the phone", () => {
    show();
    expect(screen.getByText("0102")).toBeInTheDocument();
    expect(field()).toHaveAttribute("autocomplete", "one-time-code");
    expect(field()).toHaveAttribute("inputmode", "numeric");
    expect(field()).toHaveFocus();
  });

  it("sends a code once, with its sixth digit", async () => {
    const { onCode } = show({});
    await type("12345");
    expect(onCode).not.toHaveBeenCalled();
    await type("123 456");
    await type("123457");
    expect(onCode.mock.calls.map((args: unknown[]) => args[0])).toEqual(["123456"]);
  });

  it("says why a code is wrong, and takes another one", async () => {
    const onCode = vi.fn(() => Promise.reject(new Problem({ status: 401, code: "incorrect_code", detail: "this code is not right; 4 tries are left" })));
    show({ onCode });
    await type("111111");
    expect(screen.getByText("This code is not right; 4 tries are left.")).toBeInTheDocument();
    expect(field()).toHaveValue("");
    expect(field()).toHaveAttribute("aria-invalid", "true");
    await type("222222");
    expect(onCode).toHaveBeenCalledTimes(2);
  });

  it("shows the time left, and does not ask for another code before 30 seconds are over", async () => {
    const { onResend } = show();
    expect(screen.getByText("Good for 10:00")).toBeInTheDocument();
    fireEvent.click(screen.getByRole("button", { name: "New code in 30 s" }));
    expect(onResend).not.toHaveBeenCalled();
    await pass(29_000);
    expect(screen.getByText("Good for 9:31")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "New code in 1 s" })).toHaveAttribute("aria-disabled", "true");
    await pass(1_250);
    fireEvent.click(screen.getByRole("button", { name: "Send a new code" }));
    await pass(10);
    expect(onResend).toHaveBeenCalledTimes(1);
  });

  it("waits as long as the server says when there were too many codes", async () => {
    const onResend = vi.fn(() => Promise.reject(new Problem({ status: 429, code: "too_many_codes", detail: "too many codes were sent", retryAfter: 240 })));
    show({ onResend, sentAt: START - 60_000 });
    fireEvent.click(screen.getByRole("button", { name: "Send a new code" }));
    await pass(10);
    expect(screen.getByText("Too many codes were sent.")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "New code in 240 s" })).toHaveAttribute("aria-disabled", "true");
  });

  it("says when the time is over, and still lets a code be tried", async () => {
    const { onCode } = show({ verification: { channel: "sms", to: "...0102", expires_at: new Date(START + 2_000).toISOString() } });
    await pass(2_250);
    expect(screen.getByText(/time of this code is over/)).toBeInTheDocument();
    await type("123456");
    expect(onCode).toHaveBeenCalledWith("123456", expect.anything());
  });

  it("takes a recovery code where one may stand in, and nowhere else", async () => {
    const { onCode } = show({ mayStandIn: true });
    fireEvent.click(screen.getByRole("button", { name: "Use a recovery code" }));
    fireEvent.change(screen.getByRole("textbox", { name: "Recovery code" }), { target: { value: "xzjl-eidv-qnnz-3ulb" } });
    fireEvent.submit(screen.getByRole("textbox", { name: "Recovery code" }));
    await pass(10);
    expect(onCode).toHaveBeenCalledWith("xzjl-eidv-qnnz-3ulb", expect.anything());
  });

  it("offers no recovery code for a change of the account", () => {
    show();
    expect(screen.queryByRole("button", { name: "Use a recovery code" })).not.toBeInTheDocument();
  });
});
