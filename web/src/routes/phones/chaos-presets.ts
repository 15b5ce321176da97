/** Kinds of days at the carrier, by name. */
import { CALM, type Chaos } from "./carrier";

export interface Preset {
  name: string;
  sentence: string;
  chaos: Chaos;
}

export const PRESETS: readonly Preset[] = [
  { name: "Calm", sentence: "Everything is taken and reported.", chaos: CALM },
  {
    name: "Bad day",
    sentence: "Slow, refuses some, loses answers, and reports in any order.",
    chaos: { ...CALM, rate_429: 0.15, rate_500: 0.15, rate_hang: 0.03, rate_reply_lost: 0.1, receipts: "shuffled", latency_ms: [50, 1_500] },
  },
  {
    name: "Outage",
    sentence: "Nearly everything fails, and nothing is reported.",
    chaos: { ...CALM, rate_429: 0, rate_500: 0.9, rate_hang: 0.5, rate_reply_lost: 0.5, receipts: "off", latency_ms: [500, 3_000] },
  },
];

/** The preset that is in force, whatever its seed. */
export function presetOf(chaos: Chaos): Preset | undefined {
  return hasScript(chaos) ? undefined : PRESETS.find((preset) => isSameDay(preset.chaos, chaos));
}

function isSameDay(one: Chaos, other: Chaos): boolean {
  return (
    one.rate_429 === other.rate_429 &&
    one.rate_500 === other.rate_500 &&
    one.rate_hang === other.rate_hang &&
    one.rate_reply_lost === other.rate_reply_lost &&
    one.receipts === other.receipts &&
    one.latency_ms[0] === other.latency_ms[0] &&
    one.latency_ms[1] === other.latency_ms[1]
  );
}

export function hasScript(chaos: Chaos): boolean {
  return (chaos.script?.length ?? 0) > 0;
}

/** Both ends of the latency, after one was moved: the other one gives way. */
export function withLatency([min = 0, max = 0]: readonly number[], end: "min" | "max", value: number): [number, number] {
  return end === "min" ? [value, Math.max(value, max)] : [Math.min(min, value), value];
}
