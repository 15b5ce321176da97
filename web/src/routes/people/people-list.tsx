/** A list of people in its states: loading, failed, empty, there. */
import { LoadMore } from "../../parts/load-more";
import { SkeletonRows } from "../../parts/skeleton";
import { ErrorState } from "../../parts/states";
import { type ReactNode, useCallback, useState } from "react";
import type { Everyone } from "./queries";

/** Rows at once; more come as the end nears. */
const STEP = 100;

export interface PeopleListProps<T> {
  /** What it lists, for those who do not see it. */
  label: string;
  list: Pick<Everyone<unknown>, "isPending" | "error" | "isRetrying" | "retry">;
  rows: readonly T[];
  row: (entry: T) => ReactNode;
  empty: ReactNode;
}

export function PeopleList<T>({ label, list, rows, row, empty }: PeopleListProps<T>) {
  const [shown, setShown] = useState(STEP);
  const more = useCallback(() => setShown((count) => count + STEP), []);
  if (list.isPending) return <SkeletonRows count={4} />;
  if (list.error) return <ErrorState title={`${label} could not be loaded`} error={list.error} onRetry={list.retry} isRetrying={list.isRetrying} />;
  if (rows.length === 0) return empty;
  return (
    <>
      <ul aria-label={label} className="flex flex-col divide-y">
        {rows.slice(0, shown).map(row)}
      </ul>
      <LoadMore hasMore={rows.length > shown} isLoading={false} onMore={more} />
    </>
  );
}
