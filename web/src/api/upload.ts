/** Uploads a file, telling how far it is. `fetch` cannot tell that, so this is the one request that goes by the older way. */
import type { Schemas } from "./client";
import { Offline, Problem } from "./problem";

export type UploadedFile = Schemas["UploadedFile"];

/** What the server takes of one file. */
const MOST_BYTES = 10 * 1024 * 1024;
/** An upload that gets no further for as long, or whose answer takes longer, has failed. */
const STALLED_MS = 60_000;

export function uploadFile(file: File, onProgress: (share: number) => void, signal: AbortSignal): Promise<UploadedFile> {
  if (file.size > MOST_BYTES) return Promise.reject(new Problem({ status: 413, code: "too_large", detail: "A file has at most 10 MB" }));
  if (file.size === 0) return Promise.reject(new Problem({ status: 400, code: "empty", detail: "The file is empty" }));
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const giveUp = () => {
      reject(new Offline());
      request.abort();
    };
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, STALLED_MS);
    };
    request.open("POST", "/api/attachments");
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => {
      wait();
      if (lengthComputable) onProgress(loaded / total);
    });
    request.addEventListener("error", () => reject(new Offline()));
    request.addEventListener("abort", () => reject(new DOMException("Called back", "AbortError")));
    request.addEventListener("load", () => void answered(request).then(resolve, reject));
    request.addEventListener("loadend", () => clearTimeout(timer));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    const form = new FormData();
    form.append("file", file, file.name);
    wait();
    request.send(form);
  });
}

async function answered(request: XMLHttpRequest): Promise<UploadedFile> {
  const retryAfter = request.getResponseHeader("retry-after");
  const response = new Response(request.responseText, { status: request.status, headers: retryAfter === null ? {} : { "retry-after": retryAfter } });
  if (!response.ok) throw await Problem.of(response);
  return response.json();
}
