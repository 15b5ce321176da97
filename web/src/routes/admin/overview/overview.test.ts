/** What the charts are made of. */
import { describe, expect, it } from "vitest";
import { type Lane, type Overview, watchOverview } from "./data";
import { lonely } from "./lonely";
import { ageSeries, messageSeries, rowsOf, spreadSeries } from "./series";

const minute = (at: string, accepted: number, p50_ms: number | null) => ({ at, accepted, delivered: 0, failed: 0, unknown: 0, delivery: { messages: accepted, p50_ms, p95_ms: p50_ms } });
const overview = (queue: Lane[] | null): Overview => ({ minutes: [], is_partial: false, delivery: { messages: 0, p50_ms: null, p95_ms: null }, dead_letters: 0, quarantined: 0, queue });
const lane = (lane: Lane["lane"], oldest_seconds: number | null): Lane => ({ lane, due: 1, later: 0, oldest_seconds });

describe("the queue's age", () => {
  it("is kept from one answer to the next", () => {
    const first = watchOverview(undefined, overview([lane("single", 3)]), 1_000);
    const second = watchOverview(first, overview([lane("single", 4), lane("codes", null)]), 6_000);
    expect(second.ages.map(({ at }) => at)).toEqual([1_000, 6_000]);
    expect(ageSeries(second.ages).map(({ values }) => values)).toEqual([
      [0, 0],
      [3_000, 4_000],
      [0, 0],
    ]);
  });

  it("is not kept for ever", () => {
    let watched = watchOverview(undefined, overview([]), 0);
    for (let at = 1; at < 2_000; at += 1) watched = watchOverview(watched, overview([]), at);
    expect(watched.ages.length).toBeLessThan(1_000);
    expect(watched.ages.at(-1)?.at).toBe(1_999);
  });

  it("is nothing for whoever does not own the server", () => {
    expect(watchOverview(undefined, overview(null), 1).ages).toEqual([]);
  });
});

describe("a chart's table", () => {
  const minutes = [minute("2030-01-01T12:00:00Z", 2, 120), minute("2030-01-01T12:01:00Z", 0, null), minute("2030-01-01T12:02:00Z", 5, 80)];
  const times = minutes.map(({ at }) => Date.parse(at));

  it("has the newest minute first, and leaves out those in which nothing happened", () => {
    expect(rowsOf(times, messageSeries(minutes)).map(({ values }) => values[0])).toEqual([5, 2]);
  });

  it("says nothing where nothing was measured, rather than zero", () => {
    expect(spreadSeries(minutes)[0]?.values).toEqual([120, null, 80]);
  });
});

it("marks with a point only what no line leads to", () => {
  expect(lonely([null, 5, null, 1, 2, null, 0])).toEqual([1, 6]);
  expect(lonely([7])).toEqual([0]);
  expect(lonely([1, 2, 3])).toEqual([]);
  expect(lonely([])).toEqual([]);
});
