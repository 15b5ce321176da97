/** How long answers of the server count, and which failures are worth another try. */
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { doubled } from "./backoff";
import { Offline, Problem } from "./problem";

const MAX_RETRIES = 3;

/** A refusal stays one; only a server that was not reached, or that asks to come back, is asked again. */
export function isWorthRetrying(failures: number, error: Error): boolean {
  const isPassing = error instanceof Offline || (error instanceof Problem && error.status === 503);
  return isPassing && failures < MAX_RETRIES;
}

export function retryDelay(failures: number, error: Error): number {
  const asked = error instanceof Problem ? (error.retryAfter ?? 0) * 1000 : 0;
  return Math.max(asked, doubled(1000, failures, 15_000));
}

/** `onUnauthorized` is told when the server no longer knows who asks. */
export function newQueryClient(onUnauthorized?: () => void): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof Problem && error.status === 401 && error.code === "unauthorized") onUnauthorized?.();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        // Live updates say what changed; this is for what they do not cover.
        staleTime: 30_000,
        gcTime: 10 * 60_000,
        retry: isWorthRetrying,
        retryDelay,
        // The server may be on this machine, which `navigator.onLine` knows nothing about.
        networkMode: "always",
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
}
