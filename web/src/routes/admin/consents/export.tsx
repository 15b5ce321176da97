/** The ledger as a file: read as it streams in, counted on the way, saved at the end. */
import { X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { api } from "../../../api/client";
import { explain, Problem } from "../../../api/problem";
import { Button, IconButton } from "../../../parts/button";
import { saveFile } from "../../../parts/save-file";

type State = { kind: "running"; rows: number; bytes: number } | { kind: "done"; rows: number; bytes: number } | { kind: "failed"; error: unknown };

export interface Exporting {
  state: State | undefined;
  isRunning: boolean;
  start: (address: string | undefined) => Promise<void>;
  stop: () => void;
  clear: () => void;
}

export function useExport(): Exporting {
  const [state, setState] = useState<State>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const start = async (address: string | undefined) => {
    const controller = new AbortController();
    running.current?.abort();
    running.current = controller;
    setState({ kind: "running", rows: 0, bytes: 0 });
    try {
      const { data } = await api.GET("/api/consents/export", { signal: controller.signal, params: { query: { address } }, parseAs: "stream", headers: { Accept: "text/csv" } });
      if (!data) throw new Problem({ status: 502, code: "no_body", detail: "The answer was empty" });
      const { chunks, rows, bytes } = await collect(data, (rows, bytes) => setState({ kind: "running", rows, bytes }));
      saveFile(new Blob(chunks, { type: "text/csv;charset=utf-8" }), "consents.csv");
      setState({ kind: "done", rows, bytes });
    } catch (error) {
      setState(controller.signal.aborted ? undefined : { kind: "failed", error });
    }
  };
  return { state, isRunning: state?.kind === "running", start, stop: () => running.current?.abort(), clear: () => setState(undefined) };
}

/** Reads a CSV to its end. Its rows are counted by their ends, those within quotes left out, and the heading too. */
export async function collect(stream: ReadableStream<Uint8Array>, tell: (rows: number, bytes: number) => void): Promise<{ chunks: Uint8Array<ArrayBuffer>[]; rows: number; bytes: number }> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = stream.getReader();
  let [lines, bytes, isQuoted] = [0, 0, false];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(new Uint8Array(value));
    bytes += value.length;
    for (const byte of value) {
      if (byte === 0x22) isQuoted = !isQuoted;
      else if (byte === 0x0a && !isQuoted) lines += 1;
    }
    tell(Math.max(0, lines - 1), bytes);
  }
  return { chunks, rows: Math.max(0, lines - 1), bytes };
}

export function ExportProgress({ exporting }: { exporting: Exporting }) {
  const { state, stop, clear } = exporting;
  if (!state) return null;
  return (
    <section aria-label="Export" className="flex flex-col gap-2 rounded-lg border bg-surface px-4 py-3">
      <div className="flex items-center justify-between gap-3">
        <p role="status" className="min-w-0 font-medium tabular-nums">
          {state.kind === "failed" ? `The export broke off. ${explain(state.error)}` : `${state.rows.toLocaleString()} ${state.rows === 1 ? "change" : "changes"} ${state.kind === "done" ? "saved as consents.csv" : "read …"}`}{" "}
          {state.kind !== "failed" && <span className="font-normal text-ink-muted">({Math.ceil(state.bytes / 1024).toLocaleString()} kB)</span>}
        </p>
        {state.kind === "running" ? (
          <Button size="small" onClick={stop}>
            Stop
          </Button>
        ) : (
          <IconButton icon={X} label="Dismiss" onClick={clear} />
        )}
      </div>
      {state.kind === "running" && <progress aria-label="Export under way" className="h-1.5 w-full" />}
    </section>
  );
}
