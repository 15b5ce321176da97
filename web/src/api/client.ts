/** The client generated from the server's own description. Every request of the app goes through it. */
import createClient, { type Middleware } from "openapi-fetch";
import { Offline, Problem } from "./problem";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** Longer than the server's own patience with a request. */
export const PATIENCE_MS = 60_000;

const reachability = new Set<(isReached: boolean) => void>();
let isReachedNow = true;

/** Tells with each answer, or the lack of one, whether the server is reached. */
export function onReachability(listener: (isReached: boolean) => void): () => void {
  reachability.add(listener);
  return () => reachability.delete(listener);
}

/** Whether the server was reached last time; before the first it counts as reached. */
export function wasReached(): boolean {
  return isReachedNow;
}

function tell(isReached: boolean): void {
  isReachedNow = isReached;
  for (const listener of reachability) listener(isReached);
}

/** Whether a balancer or a proxy answered for a server that it did not reach. */
function isFromBetween({ status, headers }: Response): boolean {
  return [502, 503, 504].includes(status) && !headers.get("content-type")?.includes("json");
}

const failures: Middleware = {
  async onResponse({ response }) {
    if (isFromBetween(response)) {
      tell(false);
      throw new Offline();
    }
    tell(true);
    if (!response.ok && response.status !== 304) throw await Problem.of(response);
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    if (error instanceof Problem || error instanceof Offline) return error;
    tell(false);
    return new Offline(error);
  },
};

/** An answer counts when all of it is there: one that breaks off was lost. What is asked for as a stream stays one. */
async function fetchWhole(request: Request): Promise<Response> {
  // Looked up at each call, so that a test can stand in for it.
  const response = await globalThis.fetch(
    new Request(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(PATIENCE_MS)]) }),
  );
  if (response.headers.get("content-type")?.includes("json")) await response.clone().arrayBuffer();
  return response;
}

export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "",
  credentials: "same-origin",
  headers: { Accept: "application/json" },
  fetch: fetchWhole,
});
api.use(failures);

/** The body of an answer; a refusal was thrown before. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new Problem({ status: 502, code: "no_body", detail: "The answer was empty" });
  return data;
}

/** For answers that have no body. */
export async function done(answer: Promise<unknown>): Promise<void> {
  await answer;
}

/** One `Idempotency-Key` for one intention: made when somebody means to send, kept until it is answered. */
export function newIdempotencyKey(): string {
  // `randomUUID` is absent where the page was not loaded safely, such as http:// from another machine.
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The list envelope that nearly every `GET` of a list answers with. */
export interface Page<T> {
  data: T[];
  next_cursor?: string | null;
}

/** The options of `useInfiniteQuery` for such a list. */
export function pages<T>(fetchPage: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>) {
  return {
    queryFn: ({ pageParam, signal }: { pageParam: string | undefined; signal: AbortSignal }) => fetchPage(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: Page<T>) => last.next_cursor ?? undefined,
  };
}
