/** What the workspace decides. */
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import { keys } from "../../api/keys";
import { PageBody, PageHeader } from "../../parts/page";
import { Skeleton } from "../../parts/skeleton";
import { ErrorState } from "../../parts/states";
import { SettingsForm } from "./settings/form";

export function SettingsPage() {
  const query = useQuery({ queryKey: keys.settings, queryFn: ({ signal }) => body(api.GET("/api/settings", { signal })) });
  return (
    <PageBody>
      <PageHeader title="Settings" description="What holds for everybody in this workspace." />
      {query.data ? (
        <SettingsForm settings={query.data} />
      ) : query.isError ? (
        <ErrorState error={query.error} title="The settings could not be loaded" onRetry={() => void query.refetch()} isRetrying={query.isFetching} />
      ) : (
        <div role="status" className="flex flex-col gap-4">
          <span className="sr-only">Loading</span>
          <Skeleton className="h-32 w-full" />
          <Skeleton className="h-56 w-full" />
          <Skeleton className="h-44 w-full" />
        </div>
      )}
    </PageBody>
  );
}
