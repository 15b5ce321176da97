/** Kinds of days, and the ends of the latency. */
import { expect, it } from "vitest";
import { CALM } from "./carrier";
import { PRESETS, presetOf, withLatency } from "./chaos-presets";

it("knows each preset by what is in force, whatever the seed", () => {
  for (const preset of PRESETS) expect(presetOf({ ...preset.chaos, seed: 7 })?.name).toBe(preset.name);
});

it("gives no name to a day of one's own, nor to a script", () => {
  expect(presetOf({ ...CALM, rate_hang: 0.01 })).toBeUndefined();
  expect(presetOf({ ...CALM, script: ["ok"] })).toBeUndefined();
});

it("never lets the fastest answer be slower than the slowest", () => {
  expect(withLatency([0, 100], "min", 300)).toEqual([300, 300]);
  expect(withLatency([200, 400], "max", 100)).toEqual([100, 100]);
  expect(withLatency([200, 400], "max", 500)).toEqual([200, 500]);
});
