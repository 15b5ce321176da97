/** Sending from the phones' page, and following what becomes of it. */
import { queryOptions, skipToken, useMutation } from "@tanstack/react-query";
import { api, body, newIdempotencyKey, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { AS_OPERATOR } from "./carrier";

const EVERY_MS = 1_000;
const SHOWN = 12;

export interface Wanted {
  from: string;
  to: string;
  text: string;
  subject: string;
}

/** The same key for another try at the same message, so that it is never sent twice. */
let last: { wanted: string; key: string } | undefined;

function keyOf(wanted: Wanted): string {
  const same = JSON.stringify(wanted);
  if (last?.wanted !== same) last = { wanted: same, key: newIdempotencyKey() };
  return last.key;
}

export function useSend() {
  return useMutation({
    mutationFn: (wanted: Wanted) => send(wanted),
    onSuccess: () => {
      last = undefined;
    },
  });
}

function send(wanted: Wanted): Promise<Schemas["Message"]> {
  const { from, to, text, subject } = wanted;
  const options = { ...AS_OPERATOR, params: { header: { "Idempotency-Key": keyOf(wanted) } } };
  return to.includes("@")
    ? body(api.POST("/api/messages/email", { ...options, body: { from, to, subject, body: text } }))
    : body(api.POST("/api/messages/sms", { ...options, body: { from, to, type: "sms", body: text } }));
}

/** The newest of a conversation, oldest first. It stands apart from the inbox' thread, which is read as whoever is signed in. */
export function tailQuery(conversation: number | undefined) {
  return queryOptions({
    queryKey: [...keys.handsets, "tail", conversation],
    queryFn: conversation === undefined ? skipToken : ({ signal }) => fetchTail(conversation, signal),
    refetchInterval: EVERY_MS,
    staleTime: 0,
  });
}

async function fetchTail(id: number, signal: AbortSignal): Promise<Schemas["Message"][]> {
  const query = { limit: SHOWN, order: "desc" } as const;
  const request = api.GET("/api/conversations/{id}/messages", { ...AS_OPERATOR, signal, params: { path: { id }, query } });
  return (await body(request)).data.toReversed();
}
