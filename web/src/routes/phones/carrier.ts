/** The simulated carrier: its handsets, and what goes wrong there. */
import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { Problem } from "../../api/problem";

export type CarriedMessage = Schemas["CarriedMessage"];
export type Handset = Schemas["Handset"];
export type Chaos = Required<Omit<Schemas["Chaos"], "script">> & Partial<Pick<Schemas["Chaos"], "script">>;

/** The phones belong to this machine, whoever is signed in: their requests show no credentials. */
export const AS_OPERATOR = { credentials: "omit" } as const;

/** What the carrier has is no event of the log, so it is asked. It is not while the window is hidden. */
const EVERY_MS = 1_000;

export const handsetsQuery = queryOptions({
  queryKey: keys.handsets,
  queryFn: ({ signal }) => body(api.GET("/api/simulator/handsets", { ...AS_OPERATOR, signal })).then((list) => list.data),
  refetchInterval: EVERY_MS,
  staleTime: 0,
});

/** The list says when a handset changed, so that it is read only then. */
export function handsetQuery(address: string, listed: Handset | undefined) {
  return queryOptions({
    queryKey: [...keys.handset(address), listed?.last_message_at ?? "", listed?.message_count ?? 0],
    queryFn: listed ? ({ signal }) => fetchHandset(address, signal) : () => [],
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 10 * EVERY_MS,
  });
}

/** One that the carrier has forgotten meanwhile is an empty one. */
async function fetchHandset(address: string, signal: AbortSignal): Promise<CarriedMessage[]> {
  try {
    const request = api.GET("/api/simulator/handsets/{address}", { ...AS_OPERATOR, signal, params: { path: { address } } });
    return (await body(request)).data;
  } catch (error) {
    if (error instanceof Problem && error.code === "no_such_handset") return [];
    throw error;
  }
}

export interface Answer {
  to: string;
  text: string;
  picture?: string;
}

/** Writes on a handset, as its owner would. */
export function useAnswer(address: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ to, text, picture }: Answer) =>
      body(
        api.POST("/api/simulator/handsets/{address}/messages", {
          ...AS_OPERATOR,
          params: { path: { address } },
          body: { to, body: text, attachments: picture === undefined ? null : [picture] },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.handsets }),
  });
}

export const chaosQuery = queryOptions({
  queryKey: keys.chaos,
  queryFn: ({ signal }) => body(api.GET("/api/simulator/chaos", { ...AS_OPERATOR, signal })).then(whole),
  refetchInterval: 5 * EVERY_MS,
});

export function useSetChaos() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (chaos: Chaos) => body(api.PUT("/api/simulator/chaos", { ...AS_OPERATOR, body: { ...chaos, script: chaos.script ?? [] } })).then(whole),
    onMutate: () => client.cancelQueries({ queryKey: keys.chaos }),
    onSuccess: (chaos) => client.setQueryData(keys.chaos, chaos),
  });
}

export const CALM: Chaos = { rate_429: 0, rate_500: 0, rate_hang: 0, rate_reply_lost: 0, receipts: "ordered", latency_ms: [0, 0], seed: 0 };

function whole(chaos: Schemas["Chaos"]): Chaos {
  return { ...CALM, ...chaos };
}
