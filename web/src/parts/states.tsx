/** What a list or a panel shows instead of its content: nothing there yet, or why it failed. */
import { type LucideIcon, TriangleAlert, WifiOff } from "lucide-react";
import type { ReactNode } from "react";
import { explain, Offline, Problem } from "../api/problem";
import { Button } from "./button";

export interface EmptyStateProps {
  icon?: LucideIcon;
  title: string;
  /** Whether it is all there is on the page, whose heading it is then. */
  isPage?: boolean;
  /** What to do about it. */
  children?: ReactNode;
  action?: ReactNode;
}

export function EmptyState({ icon: Icon, title, isPage = false, children, action }: EmptyStateProps) {
  const Title = isPage ? "h1" : "p";
  return (
    <div className="mx-auto flex max-w-sm flex-col items-center gap-2 px-6 py-12 text-center">
      {Icon && <Icon aria-hidden="true" strokeWidth={1.5} className="mb-1 size-9 text-ink-muted" />}
      <Title className="text-base font-semibold">{title}</Title>
      {children !== undefined && <div className="text-ink-muted">{children}</div>}
      {action !== undefined && <div className="mt-2 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

export interface ErrorStateProps {
  error: unknown;
  /** What could not be had: `The conversations could not be loaded`. */
  title?: string;
  /** Whether it is all there is on the page, whose heading it is then. */
  isPage?: boolean;
  onRetry?: () => void;
  isRetrying?: boolean;
}

export function ErrorState({ error, title = "This could not be loaded", isPage = false, onRetry, isRetrying = false }: ErrorStateProps) {
  const Title = isPage ? "h1" : "p";
  const Icon = error instanceof Offline ? WifiOff : TriangleAlert;
  const requestId = error instanceof Problem && error.status >= 500 ? error.requestId : undefined;
  return (
    <div role="alert" className="mx-auto flex max-w-sm flex-col items-center gap-2 px-6 py-12 text-center">
      <Icon aria-hidden="true" strokeWidth={1.5} className="mb-1 size-9 text-danger" />
      <Title className="text-base font-semibold">{title}</Title>
      <p className="break-words text-ink-muted">{explain(error)}</p>
      {requestId !== undefined && <p className="text-xs break-all text-ink-muted">Request {requestId}</p>}
      {onRetry && (
        <Button className="mt-2" isBusy={isRetrying} onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Why a form as a whole was refused; what is wrong with a field stands beside it. */
export function FormError({ error }: { error: unknown }) {
  if (!error) return null;
  return (
    <div role="alert" className="flex items-start gap-2 rounded-md bg-danger-soft px-3 py-2 text-danger">
      <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
      <span className="min-w-0 break-words">{explain(error)}</span>
    </div>
  );
}
