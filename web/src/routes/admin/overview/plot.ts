/** A chart of uplot in the app's look. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { lonely } from "./lonely";
import type { Series } from "./series";

const HEIGHT = 200;
/** Steps of the time axis, in seconds. */
const STEPS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600];
const FONT = "11px system-ui, sans-serif";

const toTheMinute = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const toTheSecond = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export interface PlotDeps {
  /** The top of the scale reaches at least as far. */
  leastTop: number;
  format: (value: number) => string;
  onPoint: (index: number | undefined) => void;
}

export function newPlot(box: HTMLElement, series: readonly Series[], { leastTop, format, onPoint }: PlotDeps): uPlot {
  const [line, muted, surface] = [colourOf(box, "text-line"), colourOf(box, "text-ink-muted"), colourOf(box, "text-surface")];
  const axis = { stroke: muted, font: FONT, ticks: { stroke: line, width: 1, size: 4 }, grid: { stroke: line, width: 1 } };
  const options: uPlot.Options = {
    width: Math.max(1, box.clientWidth),
    height: HEIGHT,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7, width: 2, fill: surface } },
    scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, leastTop)] } },
    axes: [
      { ...axis, size: 28, space: 64, incrs: STEPS, grid: { show: false }, values: (_, splits, __, ___, step) => splits.map((seconds) => (step < 60 ? toTheSecond : toTheMinute).format(seconds * 1000)) },
      { ...axis, size: 64, values: (_, splits) => splits.map((value) => (Number.isInteger(value) || value > 1 ? format(value) : "")) },
    ],
    series: [
      {},
      ...series.map(({ label, colour, dash }) => ({
        label,
        stroke: colourOf(box, colour),
        width: 1.75,
        dash: [...dash],
        points: { show: false, size: 6, fill: colourOf(box, colour), filter: (plot: uPlot, index: number) => lonely(plot.data[index] ?? []) },
        spanGaps: false,
      })),
    ],
    hooks: {
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? undefined)],
    },
  };
  return new uPlot(options, [[], ...series.map(() => [])], box);
}

/** What a class' colour comes to in the theme that is shown. */
function colourOf(box: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.className = name;
  box.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
