/** Lines over time by uplot, with the values under the pointer beside their names, and all of it as a table. */
import { useAtomValue } from "jotai";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import type uPlot from "uplot";
import { classes } from "../../../parts/classes";
import { Table } from "../../../parts/table";
import { Time } from "../../../parts/time";
import { themeAtom } from "../../../state/theme";
import { newPlot } from "./plot";
import { rowsOf, type Series } from "./series";

const MOST_ROWS = 120;

export interface ChartProps {
  label: string;
  /** In milliseconds, ascending. */
  times: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
  /** The top of its scale reaches at least as far, so that next to nothing looks like it. */
  leastTop: number;
  /** Whether its moments are told to the second. */
  isExact?: boolean;
}

export function Chart({ label, times, series, format, leastTop, isExact = false }: ChartProps) {
  const [pointed, setPointed] = useState<number>();
  const at = pointed === undefined ? undefined : times[pointed];
  return (
    <figure className="flex flex-col gap-2">
      <figcaption className="flex flex-wrap items-center gap-x-5 gap-y-1 text-[0.8125rem]">
        {series.map((line) => (
          <span key={line.label} className="inline-flex items-center gap-2">
            <Swatch line={line} />
            {line.label}
            <span aria-hidden="true" className="min-w-12 font-semibold tabular-nums">
              {pointed === undefined ? "" : shown(line.values[pointed], format)}
            </span>
          </span>
        ))}
        <span aria-hidden="true" className="ms-auto min-h-5 text-ink-muted max-sm:basis-full max-sm:text-end">
          {at !== undefined && <Time at={new Date(at).toISOString()} form={isExact ? "exact" : "short"} />}
        </span>
      </figcaption>
      <Plot label={label} times={times} series={series} format={format} leastTop={leastTop} onPoint={setPointed} />
      <AsTable label={label} times={times} series={series} format={format} isExact={isExact} />
    </figure>
  );
}

function shown(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}

function Swatch({ line }: { line: Series }) {
  return (
    <svg aria-hidden="true" viewBox="0 0 24 8" className={classes("h-2 w-6", line.colour)}>
      <line x1="0" y1="4" x2="24" y2="4" stroke="currentColor" strokeWidth="2" strokeDasharray={line.dash.join(" ")} />
    </svg>
  );
}

type TableProps = Required<Omit<ChartProps, "leastTop">>;
type PlotProps = Omit<ChartProps, "isExact"> & { onPoint: (index: number | undefined) => void };

const scheme = matchMedia("(prefers-color-scheme: dark)");

function subscribeToScheme(listener: () => void): () => void {
  scheme.addEventListener("change", listener);
  return () => scheme.removeEventListener("change", listener);
}

/** A canvas knows no classes: it is drawn anew when the colours change. */
function Plot(props: PlotProps) {
  const theme = useAtomValue(themeAtom);
  const isDark = useSyncExternalStore(subscribeToScheme, () => scheme.matches);
  return <Canvas key={`${theme} ${isDark}`} {...props} />;
}

function Canvas({ label, times, series, format, leastTop, onPoint }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef({ series, format, leastTop, onPoint });
  useEffect(() => {
    latest.current = { series, format, leastTop, onPoint };
  });
  useEffect(() => {
    if (!box.current) return;
    const made = newPlot(box.current, latest.current.series, {
      leastTop: latest.current.leastTop,
      format: (value) => latest.current.format(value),
      onPoint: (index) => latest.current.onPoint(index),
    });
    plot.current = made;
    const observer = new ResizeObserver(([entry]) => entry && made.setSize({ width: Math.floor(entry.contentRect.width), height: made.height }));
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData([times.map((time) => time / 1000), ...series.map(({ values }) => [...values])]);
  }, [times, series]);
  return <div ref={box} role="img" aria-label={`${label}: a chart. The same stands below as a table.`} className="h-50 w-full overflow-hidden" />;
}

function AsTable({ label, times, series, format, isExact }: TableProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="w-fit rounded-sm py-1 text-[0.8125rem] text-ink-muted hover:text-ink">As a table</summary>
      {isOpen && <Rows label={label} times={times} series={series} format={format} isExact={isExact} />}
    </details>
  );
}

function Rows({ label, times, series, format, isExact }: TableProps) {
  const rows = rowsOf(times, series);
  if (rows.length === 0) return <p className="py-2 text-ink-muted">There is nothing to say of this time.</p>;
  return (
    <>
      <Table
        caption={label}
        rows={rows.slice(0, MOST_ROWS)}
        keyOf={(row) => row.at}
        columns={[
          { key: "at", header: "When", cell: (row) => <Time at={new Date(row.at).toISOString()} form={isExact ? "exact" : "short"} /> },
          ...series.map((line, index) => ({
            key: line.label,
            header: line.label,
            align: "end" as const,
            cell: (row: { values: (number | null)[] }) => shown(row.values[index], format),
          })),
        ]}
      />
      <p className="py-1.5 text-xs text-ink-muted">
        Only the times at which there was something{rows.length > MOST_ROWS && `, the newest ${MOST_ROWS} of ${rows.length.toLocaleString()}`}.
      </p>
    </>
  );
}
