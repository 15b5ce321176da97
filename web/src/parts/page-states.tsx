/** A page that could not be shown, and an address that is no page. */
import type { ErrorComponentProps } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { Link } from "./link";
import { usePageTitle } from "./page";
import { EmptyState, ErrorState } from "./states";

export function FailedPage({ error, reset }: ErrorComponentProps) {
  usePageTitle("Something went wrong");
  return <ErrorState error={error} isPage title="This page could not be shown" onRetry={reset} />;
}

export function MissingPage() {
  usePageTitle("No such page");
  return (
    <EmptyState isPage icon={Compass} title="There is no such page">
      The address may be old or mistyped. <Link to="/inbox">Go to the inbox</Link>
    </EmptyState>
  );
}
