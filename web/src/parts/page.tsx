/** What every page has: its name in the window's title, its heading, and what can be done on it. */
import { type ReactNode, useEffect } from "react";
import { classes } from "./classes";

const PRODUCT = "Switchboard";

/** Names the window; pages that have a `PageHeader` need not. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${PRODUCT}`;
  }, [title]);
}

export interface PageHeaderProps {
  title: string;
  description?: ReactNode;
  /** Buttons. */
  actions?: ReactNode;
  className?: string;
}

export function PageHeader({ title, description, actions, className }: PageHeaderProps) {
  usePageTitle(title);
  return (
    <header className={classes("flex flex-wrap items-start justify-between gap-x-4 gap-y-2", className)}>
      <div className="min-w-0">
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        {description !== undefined && <p className="mt-0.5 max-w-prose text-ink-muted">{description}</p>}
      </div>
      {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}

/** A page that scrolls as a whole, in one column. */
export function PageBody({ width = "wide", children }: { width?: "narrow" | "wide"; children: ReactNode }) {
  return <div className={classes("mx-auto flex w-full flex-col gap-5 p-4 sm:p-6", width === "narrow" ? "max-w-xl" : "max-w-6xl")}>{children}</div>;
}

/** A part of a page, with its own heading. */
export function Section({ title, description, actions, children }: { title: string; description?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="rounded-xl border bg-surface shadow-raised">
      <header className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 px-4 pt-3.5 pb-1 sm:px-5">
        <div className="min-w-0">
          <h2 className="text-[0.9375rem] font-semibold">{title}</h2>
          {description !== undefined && <p className="mt-0.5 max-w-prose text-[0.8125rem] text-ink-muted">{description}</p>}
        </div>
        {actions}
      </header>
      <div className="px-4 pt-2 pb-4 sm:px-5">{children}</div>
    </section>
  );
}
