/** A part of the panel, with its heading. */
import type { ReactNode } from "react";

export function Part({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="min-w-0">
      <div className="mb-1.5 flex min-h-7 items-center justify-between gap-2">
        <h3 className="text-[0.8125rem] font-medium">{title}</h3>
        {actions}
      </div>
      {children}
    </section>
  );
}
