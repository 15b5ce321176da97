/** A list from the server with its states: loading, nothing there, refused, and more to come. */
import type { InfiniteData, UseInfiniteQueryResult, UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Page } from "../../../api/client";
import { LoadMore } from "../../../parts/load-more";
import { SkeletonRows } from "../../../parts/skeleton";
import { ErrorState } from "../../../parts/states";

interface ListProps<Row> {
  /** What could not be had, if it comes to that: `The keys could not be loaded`. */
  failure: string;
  /** Shown instead of a list without rows. */
  empty: ReactNode;
  skeletonRows?: number;
  children: (rows: Row[]) => ReactNode;
}

export interface PagedListProps<Row> extends ListProps<Row> {
  query: UseInfiniteQueryResult<InfiniteData<Page<Row>>>;
}

export function PagedList<Row>({ query, ...list }: PagedListProps<Row>) {
  const rows = query.data?.pages.flatMap((page) => page.data);
  const { fetchNextPage } = query;
  return (
    <>
      <States query={query} rows={rows} {...list} />
      <LoadMore hasMore={query.hasNextPage} isLoading={query.isFetchingNextPage} hasFailed={query.isFetchNextPageError} onMore={fetchNextPage} />
    </>
  );
}

export interface WholeListProps<Row> extends ListProps<Row> {
  query: UseQueryResult<Row[]>;
}

/** A list that comes whole. */
export function WholeList<Row>({ query, ...list }: WholeListProps<Row>) {
  return <States query={query} rows={query.data} {...list} />;
}

interface StatesProps<Row> extends ListProps<Row> {
  query: Pick<UseQueryResult, "error" | "isFetching" | "refetch">;
  rows: Row[] | undefined;
}

function States<Row>({ query, rows, failure, empty, skeletonRows = 4, children }: StatesProps<Row>) {
  if (rows) return rows.length > 0 ? children(rows) : empty;
  if (query.error) return <ErrorState error={query.error} title={failure} onRetry={() => void query.refetch()} isRetrying={query.isFetching} />;
  return <SkeletonRows count={skeletonRows} />;
}
