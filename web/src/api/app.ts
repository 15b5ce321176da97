/** How the server runs: what somebody who writes, or signs up, has to know of it. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api } from "./client";
import { keys } from "./keys";

export interface AppFacts {
  /** Whose number a text comes from when nothing else says so. */
  defaultSender: string | undefined;
  defaultCountry: string;
  /** An SMS of more is refused. */
  maxSegments: number;
  /** Whether anybody may sign up, or only whoever is invited. */
  isSignUpOpen: boolean;
}

const UNTOLD: AppFacts = { defaultSender: undefined, defaultCountry: "+1", maxSegments: 10, isSignUpOpen: true };

export const appQuery = queryOptions({
  queryKey: [...keys.app, "facts"],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async ({ signal }): Promise<AppFacts> => {
    // `is_operator` and the like are the session's; what is read here is the same for everybody.
    const { data } = await api.request("get", "/api/app" as never, { signal } as never);
    return readFacts(data);
  },
});

export function readFacts(data: unknown): AppFacts {
  if (typeof data !== "object" || data === null) return UNTOLD;
  const text = (name: string) => {
    const value: unknown = Reflect.get(data, name);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const segments: unknown = Reflect.get(data, "max_segments");
  return {
    defaultSender: text("default_sender"),
    defaultCountry: text("default_country") ?? UNTOLD.defaultCountry,
    maxSegments: typeof segments === "number" ? segments : UNTOLD.maxSegments,
    isSignUpOpen: text("sign_up") !== "invited",
  };
}

export function useAppFacts(): AppFacts {
  return useQuery(appQuery).data ?? UNTOLD;
}
