/** How the workspace is doing, as the server tells it. */
import { Offline, Problem } from "../../../api/problem";

export interface Spread {
  messages: number;
  p50_ms: number | null;
  p95_ms: number | null;
}

export interface Minute {
  at: string;
  accepted: number;
  delivered: number;
  failed: number;
  unknown: number;
  delivery: Spread;
}

export interface Lane {
  lane: "codes" | "single" | "bulk";
  due: number;
  later: number;
  oldest_seconds: number | null;
}

export interface Overview {
  minutes: Minute[];
  is_partial: boolean;
  delivery: Spread;
  dead_letters: number;
  quarantined: number;
  /** What waits, of all workspaces; `null` for whoever does not own the server. */
  queue: Lane[] | null;
}

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

export async function fetchOverview(minutes: number, signal: AbortSignal): Promise<Overview> {
  const response = await fetch(`/api/overview?minutes=${minutes}`, { signal, headers: { Accept: "application/json" } }).catch((error: unknown) => {
    throw signal.aborted ? error : new Offline(error);
  });
  if (!response.ok) throw await Problem.of(response);
  return response.json();
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
