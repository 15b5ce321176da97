/** A secret that is shown this once: the server keeps no readable copy of it. */
import { TriangleAlert } from "lucide-react";
import { CopyButton } from "../../../parts/copy-button";

export function ShownOnce({ label, secret }: { label: string; secret: string }) {
  return (
    <div className="flex flex-col gap-3">
      <p className="flex items-start gap-2 rounded-md bg-warn-soft px-3 py-2 text-warn">
        <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
        <span>Copy it now: it is shown this once, and cannot be had again.</span>
      </p>
      <div className="flex flex-col gap-2 sm:flex-row sm:items-center">
        <code aria-label={label} className="min-w-0 flex-1 rounded-md border bg-sunken px-3 py-2 font-mono text-[0.8125rem] break-all select-all">
          {secret}
        </code>
        <CopyButton text={secret} label="Copy" size="medium" />
      </div>
    </div>
  );
}
