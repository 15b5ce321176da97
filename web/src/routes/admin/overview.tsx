/** What went through lately: figures, charts, and what waits. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { keys } from "../../api/keys";
import { Select } from "../../parts/field";
import { PageBody, PageHeader, Section } from "../../parts/page";
import { Skeleton } from "../../parts/skeleton";
import { ErrorState } from "../../parts/states";
import { formatDuration } from "../../parts/time";
import { Chart } from "./overview/chart";
import { fetchOverview, type Overview, watchOverview, type Watched } from "./overview/data";
import { Figures } from "./overview/figures";
import { Lanes } from "./overview/lanes";
import { ageSeries, messageSeries, spreadSeries } from "./overview/series";

const SPANS = [
  { value: "15", label: "Last 15 minutes" },
  { value: "60", label: "Last hour" },
  { value: "360", label: "Last 6 hours" },
  { value: "1440", label: "Last 24 hours" },
] as const;

const EVERY_MS = 5_000;
const LONG_EVERY_MS = 30_000;

export function OverviewPage() {
  const [minutes, setMinutes] = useState(60);
  const query = useQuery({
    queryKey: keys.overview(minutes),
    queryFn: async ({ client, queryKey, signal }) => watchOverview(client.getQueryData<Watched>(queryKey), await fetchOverview(minutes, signal), Date.now()),
    refetchInterval: minutes > 60 ? LONG_EVERY_MS : EVERY_MS,
    staleTime: 0,
    // Each answer carries those before it along.
    structuralSharing: false,
  });
  return (
    <PageBody>
      <PageHeader
        title="Overview"
        description="How messages fare, minute by minute."
        actions={<Select label="Span of time" isLabelHidden options={SPANS} value={String(minutes)} onChange={(event) => setMinutes(Number(event.target.value))} />}
      />
      {query.data ? (
        <Content {...query.data} minutes={minutes} />
      ) : query.isError ? (
        <ErrorState error={query.error} title="The overview could not be loaded" onRetry={() => void query.refetch()} isRetrying={query.isFetching} />
      ) : (
        <Loading />
      )}
    </PageBody>
  );
}

function Content({ overview, ages, minutes }: Watched & { minutes: number }) {
  return (
    <>
      <Figures overview={overview} />
      {overview.is_partial && (
        <p role="note" className="rounded-md bg-warn-soft px-3 py-2 text-warn">
          More happened than is read for this page: the first minutes of the span say nothing. Choose a shorter one.
        </p>
      )}
      <Section title="Messages per minute" description={isSilent(overview) ? "Nothing was sent in this time." : undefined}>
        <Chart label="Messages per minute" times={overview.minutes.map(({ at }) => Date.parse(at))} series={messageSeries(overview.minutes)} leastTop={5} format={(value) => value.toLocaleString()} />
      </Section>
      <Section title="Time to delivery" description="From being accepted to having arrived, of messages that were to go at once.">
        <Chart label="Time to delivery by minute" times={overview.minutes.map(({ at }) => Date.parse(at))} series={spreadSeries(overview.minutes)} leastTop={100} format={formatDuration} />
      </Section>
      {overview.queue && (
        <Section title="What waits" description="Of all workspaces. The chart begins when this page was opened.">
          <Lanes lanes={overview.queue} />
          <Chart key={minutes} label="Age of the oldest message that waits" times={ages.map(({ at }) => at)} series={ageSeries(ages)} leastTop={1000} format={formatDuration} isExact />
        </Section>
      )}
    </>
  );
}

function isSilent({ minutes }: Overview): boolean {
  return minutes.every(({ accepted, delivered, failed, unknown }) => accepted + delivered + failed + unknown === 0);
}

function Loading() {
  return (
    <div role="status" className="flex flex-col gap-5">
      <span className="sr-only">Loading</span>
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        {["one", "two", "three", "four", "five", "six", "seven", "eight"].map((name) => (
          <Skeleton key={name} className="h-19" />
        ))}
      </div>
      <Skeleton className="h-72 w-full" />
      <Skeleton className="h-72 w-full" />
    </div>
  );
}
