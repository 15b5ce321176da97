/** What stands in the frame of the pages outside the app: a heading, and what is to be done. */
import type { ReactNode } from "react";
import { usePageTitle } from "../../parts/page";

export interface CardProps {
  title: string;
  description?: ReactNode;
  children?: ReactNode;
  /** Other ways to go. */
  footer?: ReactNode;
}

export function Card({ title, description, children, footer }: CardProps) {
  usePageTitle(title);
  return (
    <>
      <div className="flex flex-col gap-5 p-5 sm:p-7">
        <header>
          <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
          {description !== undefined && <div className="mt-1 text-ink-muted">{description}</div>}
        </header>
        {children}
      </div>
      {footer !== undefined && <footer className="flex flex-wrap justify-center gap-x-4 gap-y-1 border-t px-5 py-3.5 text-center text-ink-muted">{footer}</footer>}
    </>
  );
}
