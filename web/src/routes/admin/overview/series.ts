/** The lines of the charts. Each has a pattern of its own too, so that its colour is not all that tells it apart. */
import type { Age, Minute } from "./data";

export interface Series {
  label: string;
  /** A class that sets the text's colour. */
  colour: string;
  dash: readonly number[];
  values: readonly (number | null)[];
}

export function messageSeries(minutes: readonly Minute[]): Series[] {
  return [
    { label: "Accepted", colour: "text-accent", dash: [], values: minutes.map((minute) => minute.accepted) },
    { label: "Delivered", colour: "text-ok", dash: [8, 3], values: minutes.map((minute) => minute.delivered) },
    { label: "Failed", colour: "text-danger", dash: [3, 3], values: minutes.map((minute) => minute.failed) },
    { label: "Unknown", colour: "text-warn", dash: [8, 3, 2, 3], values: minutes.map((minute) => minute.unknown) },
  ];
}

export function spreadSeries(minutes: readonly Minute[]): Series[] {
  return [
    { label: "Half took no longer", colour: "text-accent", dash: [], values: minutes.map((minute) => minute.delivery.p50_ms) },
    { label: "95 of 100 took no longer", colour: "text-warn", dash: [8, 3], values: minutes.map((minute) => minute.delivery.p95_ms) },
  ];
}

/** A lane in which nothing waits is as young as can be. */
export function ageSeries(ages: readonly Age[]): Series[] {
  return [
    { label: "Codes", colour: "text-danger", dash: [3, 3], values: ages.map(({ lanes }) => lanes.codes ?? 0) },
    { label: "Single", colour: "text-accent", dash: [], values: ages.map(({ lanes }) => lanes.single ?? 0) },
    { label: "Bulk", colour: "text-ok", dash: [8, 3], values: ages.map(({ lanes }) => lanes.bulk ?? 0) },
  ];
}

/** The moments at which there is something to say, the newest first, for the table of a chart. */
export function rowsOf(times: readonly number[], series: readonly Series[]): { at: number; values: (number | null)[] }[] {
  return times
    .map((at, index) => ({ at, values: series.map(({ values }) => values[index] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null && value !== 0))
    .toReversed();
}
