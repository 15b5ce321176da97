import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, body, onReachability } from "./client";
import { Offline, Problem } from "./problem";

const reached: boolean[] = [];

function answer(status: number, text: string, type: string) {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(text, { status, headers: { "Content-Type": type } }));
}

/** An answer whose line breaks within its body. */
function broken(status: number): Response {
  let isBegun = false;
  const half = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (isBegun) controller.error(new TypeError("network error"));
      else controller.enqueue(new TextEncoder().encode('{"status":'));
      isBegun = true;
    },
  });
  return new Response(half, { status, headers: { "Content-Type": "application/json" } });
}

async function failure(): Promise<unknown> {
  return body(api.GET("/api/health")).then(
    () => undefined,
    (error: unknown) => error,
  );
}

beforeEach(() => {
  reached.length = 0;
  return onReachability((isReached) => reached.push(isReached));
});

describe("a request", () => {
  it("that the server refused throws its problem", async () => {
    answer(409, '{"status":409,"code":"taken","detail":"is taken","errors":[],"request_id":"r"}', "application/problem+json");
    expect(await failure()).toMatchObject({ status: 409, code: "taken", requestId: "r" });
    expect(reached).toEqual([true]);
  });

  it("that was not answered is offline", async () => {
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("Failed to fetch"));
    expect(await failure()).toBeInstanceOf(Offline);
    expect(reached).toEqual([false]);
  });

  it("that was answered by half is offline, whether it was taken or refused", async () => {
    for (const status of [200, 400]) {
      vi.spyOn(globalThis, "fetch").mockResolvedValue(broken(status));
      expect(await failure()).toBeInstanceOf(Offline);
    }
    expect(reached).toEqual([false, false]);
  });

  it("that something between answered is offline, and the server's own 503 is not", async () => {
    answer(502, "<html>Bad Gateway</html>", "text/html");
    expect(await failure()).toBeInstanceOf(Offline);
    answer(503, '{"status":503,"code":"unavailable","detail":"the database is away"}', "application/problem+json");
    expect(await failure()).toBeInstanceOf(Problem);
    expect(reached).toEqual([false, true]);
  });

  it("that was called off is neither", async () => {
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new DOMException("called off", "AbortError"));
    expect(await failure()).toMatchObject({ name: "AbortError" });
    expect(reached).toEqual([]);
  });
});
