/** How much of a span of time an endpoint is still to be told. */
import type { Schemas } from "../../../api/client";

type Delivery = Pick<Schemas["WebhookDelivery"], "timestamp" | "state">;

export interface Span {
  from: string;
  to: string;
}

/** Beyond so many the counting stops: it is done anew every few seconds. */
const MOST_LOOKED_AT = 2_000;

export interface Waiting {
  waiting: number;
  /** There were more than could be looked at. */
  isCut: boolean;
}

/** The deliveries come the newest first, so that the first one before the span is the last to look at. */
export async function countWaiting(deliveries: AsyncIterable<Delivery>, span: Span, most = MOST_LOOKED_AT): Promise<Waiting> {
  const [from, to] = [Date.parse(span.from), Date.parse(span.to)];
  let [waiting, seen] = [0, 0];
  for await (const { timestamp, state } of deliveries) {
    const at = Date.parse(timestamp);
    if (at < from) return { waiting, isCut: false };
    if (at < to && state === "waiting") waiting += 1;
    seen += 1;
    if (seen >= most) return { waiting, isCut: true };
  }
  return { waiting, isCut: false };
}
