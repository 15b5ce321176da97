import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Offline } from "./problem";
import { uploadFile } from "./upload";

/** A request, as far as an upload needs one. */
class StubRequest extends EventTarget {
  readonly upload = new EventTarget();
  status = 0;
  responseText = "";
  isAborted = false;

  open() {}
  setRequestHeader() {}
  getResponseHeader = () => null;
  send() {}
  abort() {
    this.isAborted = true;
    this.dispatchEvent(new Event("abort"));
    this.dispatchEvent(new Event("loadend"));
  }
  advance(loaded: number) {
    this.upload.dispatchEvent(new ProgressEvent("progress", { lengthComputable: true, loaded, total: 100 }));
  }
  answer(status: number, value: unknown) {
    this.status = status;
    this.responseText = JSON.stringify(value);
    this.dispatchEvent(new Event("load"));
    this.dispatchEvent(new Event("loadend"));
  }
}

let request: StubRequest;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("XMLHttpRequest", function newRequest() {
    request = new StubRequest();
    return request;
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const file = new File(["text"], "a.txt");

function begin() {
  const shares: number[] = [];
  const stop = new AbortController();
  const ended = uploadFile(file, (share) => shares.push(share), stop.signal).then(
    (uploaded) => uploaded.url,
    (error: unknown) => error,
  );
  return { shares, stop, ended };
}

it("gives up an upload that stalls, so that it can be tried again", async () => {
  const { ended } = begin();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await ended).toBeInstanceOf(Offline);
  expect(request.isAborted).toBe(true);
  const { ended: again } = begin();
  request.answer(201, { url: "/api/attachments/1" });
  expect(await again).toBe("/api/attachments/1");
});

it("lets one that goes on take its time, and waits for its answer", async () => {
  const { shares, ended } = begin();
  for (const loaded of [20, 60, 100]) {
    await vi.advanceTimersByTimeAsync(50_000);
    request.advance(loaded);
  }
  await vi.advanceTimersByTimeAsync(50_000);
  request.answer(201, { url: "/api/attachments/2" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await ended).toBe("/api/attachments/2");
  expect(shares).toEqual([0.2, 0.6, 1]);
  expect(request.isAborted).toBe(false);
});

it("gives up when all was sent and no answer comes", async () => {
  const { ended } = begin();
  request.advance(100);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await ended).toBeInstanceOf(Offline);
});

it("says that it was called back, not that it stalled", async () => {
  const { stop, ended } = begin();
  stop.abort();
  expect(await ended).toMatchObject({ name: "AbortError" });
});
