/** How the workspace is doing, as the server tells it. */
import { api, body, type Schemas } from "../../../api/client";

export type Minute = Schemas["Minute"];
export type Lane = Schemas["LaneQueue"];
export type Overview = Schemas["Overviewed"];

/** How old the oldest message of each lane was at a moment, in milliseconds; nothing where none waited. */
export interface Age {
  at: number;
  lanes: Record<Lane["lane"], number | null>;
}

/** An overview, and how the queue aged since the page was opened: the server knows only how it is now. */
export interface Watched {
  overview: Overview;
  ages: readonly Age[];
}

const MOST_AGES = 720;

export function fetchOverview(minutes: number, signal: AbortSignal): Promise<Overview> {
  return body(api.GET("/api/overview", { signal, params: { query: { minutes } } }));
}

export function watchOverview(before: Watched | undefined, overview: Overview, at: number): Watched {
  const ages = before?.ages ?? [];
  return { overview, ages: overview.queue ? [...ages, ageOf(overview.queue, at)].slice(-MOST_AGES) : ages };
}

function ageOf(queue: readonly Lane[], at: number): Age {
  const age = (name: Lane["lane"]) => {
    const seconds = queue.find(({ lane }) => lane === name)?.oldest_seconds;
    return typeof seconds === "number" ? seconds * 1000 : null;
  };
  return { at, lanes: { codes: age("codes"), single: age("single"), bulk: age("bulk") } };
}
