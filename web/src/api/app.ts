/** How the server runs: what somebody who writes, or signs up, has to know of it. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, body, type Schemas } from "./client";
import { keys } from "./keys";

export interface AppFacts {
  /** Whose number a text comes from when nothing else says so. */
  defaultSender: string | undefined;
  /** The workspace's own numbers and mailboxes, as far as the server tells of them. */
  senders: readonly string[];
  defaultCountry: string;
  /** An SMS of more is refused. */
  maxSegments: number;
  /** Whether anybody may sign up, or only whoever is invited. */
  isSignUpOpen: boolean;
}

const UNTOLD: AppFacts = { defaultSender: undefined, senders: [], defaultCountry: "+1", maxSegments: 10, isSignUpOpen: true };

export const appQuery = queryOptions({
  queryKey: [...keys.app, "facts"],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async ({ signal }): Promise<AppFacts> => readFacts(await body(api.GET("/api/app", { signal }))),
});

function readFacts(info: Schemas["AppInfo"]): AppFacts {
  return {
    defaultSender: info.default_sender ?? undefined,
    senders: info.senders,
    defaultCountry: info.default_country,
    maxSegments: info.max_segments,
    isSignUpOpen: info.sign_up === "open",
  };
}

export function useAppFacts(): AppFacts {
  return useQuery(appQuery).data ?? UNTOLD;
}
