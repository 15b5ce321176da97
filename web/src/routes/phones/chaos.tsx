/** What goes wrong at the simulated carrier: kinds of days, and a slider for each fault. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Button } from "../../parts/button";
import { classes } from "../../parts/classes";
import { Select, TextField } from "../../parts/field";
import { Skeleton } from "../../parts/skeleton";
import { ErrorState, FormError } from "../../parts/states";
import { formatDuration } from "../../parts/time";
import { type Chaos, chaosQuery, useSetChaos } from "./carrier";
import { hasScript, PRESETS, presetOf, withLatency } from "./chaos-presets";
import { Slider } from "./slider";

const SETTLED_MS = 250;
const MAX_LATENCY_MS = 10_000;

const RATES = [
  { name: "rate_429", label: "Too busy", hint: "Answers 429, without taking the message" },
  { name: "rate_500", label: "Errors", hint: "Answers 500, 502 or 504; half of them after taking it" },
  { name: "rate_hang", label: "Silence", hint: "Never answers; half of them after taking it" },
  { name: "rate_reply_lost", label: "Lost answers", hint: "Takes it, and its answer is lost" },
] as const;

const RECEIPTS: readonly { value: Chaos["receipts"]; label: string }[] = [
  { value: "ordered", label: "In order" },
  { value: "shuffled", label: "In any order" },
  { value: "repeated", label: "Each two or three times" },
  { value: "off", label: "None at all" },
];

export function ChaosPanel() {
  const chaos = useQuery(chaosQuery);
  if (chaos.data) return <Controls inForce={chaos.data} />;
  if (chaos.isError) return <ErrorState error={chaos.error} onRetry={() => void chaos.refetch()} isRetrying={chaos.isFetching} />;
  return <Skeleton className="h-72 w-full" />;
}

function Controls({ inForce }: { inForce: Chaos }) {
  const change = useSetChaos();
  const [moved, setMoved] = useState<Chaos>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const chaos = moved ?? inForce;
  const preset = presetOf(chaos);

  /** A slider says much while it moves; what it comes to rest at is what counts. */
  const set = (wanted: Chaos, delay = SETTLED_MS) => {
    setMoved(wanted);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      change.mutate(wanted, { onSettled: () => setMoved((latest) => (latest === wanted ? undefined : latest)) });
    }, delay);
  };
  const [min = 0, max = 0] = chaos.latency_ms;

  return (
    <div className="flex flex-col gap-3">
      <div role="group" aria-label="Kinds of days" className="grid grid-cols-3 gap-1.5">
        {PRESETS.map((one) => (
          <Button
            key={one.name}
            size="small"
            aria-pressed={one === preset}
            title={one.sentence}
            className={classes("px-1", one === preset && "border-accent bg-accent-soft text-accent")}
            onClick={() => set({ ...one.chaos, seed: chaos.seed }, 0)}
          >
            {one.name}
          </Button>
        ))}
      </div>
      <p aria-live="polite" className="text-[0.8125rem] text-ink-muted">
        {hasScript(chaos) ? `A script of ${chaos.script?.length} fates is in force; no rate counts until it is used up.` : (preset?.sentence ?? "A day of your own.")}
      </p>
      {RATES.map(({ name, label, hint }) => (
        <Slider key={name} label={label} hint={hint} min={0} max={1} step={0.01} value={chaos[name]} shown={`${Math.round(chaos[name] * 100)} %`} onChange={(value) => set({ ...chaos, [name]: value })} />
      ))}
      <Slider label="Fastest answer" min={0} max={MAX_LATENCY_MS} step={50} value={min} shown={formatDuration(min)} onChange={(value) => set({ ...chaos, latency_ms: withLatency(chaos.latency_ms, "min", value) })} />
      <Slider label="Slowest answer" min={0} max={MAX_LATENCY_MS} step={50} value={max} shown={formatDuration(max)} onChange={(value) => set({ ...chaos, latency_ms: withLatency(chaos.latency_ms, "max", value) })} />
      <div className="grid grid-cols-[1fr_6rem] gap-2">
        <Select
          label="Reports of delivery"
          options={RECEIPTS}
          value={chaos.receipts}
          onChange={(event) => {
            const receipts = RECEIPTS.find((one) => one.value === event.target.value)?.value;
            if (receipts) set({ ...chaos, receipts });
          }}
        />
        <TextField
          label="Seed"
          type="number"
          inputMode="numeric"
          min={0}
          step={1}
          value={chaos.seed}
          onChange={(event) => {
            const seed = event.target.valueAsNumber;
            if (Number.isSafeInteger(seed) && seed >= 0) set({ ...chaos, seed });
          }}
        />
      </div>
      <FormError error={change.error} />
    </div>
  );
}
