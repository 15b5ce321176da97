/** In `dev` the code goes to a simulated phone: this shows it where it is wanted. */
import { useQuery } from "@tanstack/react-query";
import { Smartphone } from "lucide-react";
import { api, body, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { Button } from "../../parts/button";
import { Time } from "../../parts/time";
import { readCode } from "./code-field";

type Carried = Schemas["CarriedMessage"];

/** The newest text that brought a code to a phone whose number ends so, and no sooner than then. */
export async function findCode(ending: string, since: number, signal: AbortSignal): Promise<Carried | null> {
  // What is sent along with a session would be asked for that session's rights.
  const { data } = await body(api.GET("/api/simulator/handsets", { signal, credentials: "omit" }));
  const phones = data.filter(({ address }) => address.startsWith("+") && address.endsWith(ending)).slice(0, 5);
  const found: Carried[] = [];
  for (const { address } of phones) {
    const texts = await body(api.GET("/api/simulator/handsets/{address}", { signal, credentials: "omit", params: { path: { address } } }));
    found.push(...texts.data.filter((text) => isCode(text) && Date.parse(text.timestamp) >= since));
  }
  return found.toSorted((one, other) => Date.parse(other.timestamp) - Date.parse(one.timestamp))[0] ?? null;
}

function isCode({ type, body }: Carried): boolean {
  return type === "sms" && /^\d{6} is your Switchboard code/.test(body);
}

/** Clocks are the same in `dev`, but for the time that the request took. */
const SLACK_MS = 5_000;

export function DevPhone({ ending, sentAt, onUse }: { ending: string; sentAt: number; onUse: (code: string) => void }) {
  const { data } = useQuery({
    queryKey: [...keys.handsets, "code", ending, sentAt],
    queryFn: ({ signal }) => findCode(ending, sentAt - SLACK_MS, signal),
    refetchInterval: ({ state }) => (state.data || state.error ? false : 1000),
    retry: false,
  });
  if (data === undefined) return null;
  return (
    <section aria-label="Simulated phone" className="flex flex-col gap-2 rounded-lg border bg-sunken p-3">
      <p className="flex items-center gap-2 text-[0.8125rem] text-ink-muted">
        <Smartphone aria-hidden="true" className="size-4 shrink-0" />
        <span>Simulated phone, in dev only</span>
      </p>
      <div aria-live="polite" className="min-h-9">
        {data === null ? (
          <p className="py-2 text-ink-muted">The text is on its way…</p>
        ) : (
          <div className="flex flex-wrap items-end gap-x-3 gap-y-2">
            <p className="min-w-0 flex-1 basis-52 rounded-lg rounded-ss-sm bg-surface px-3 py-2 shadow-raised">
              {data.body} <Time at={data.at} className="text-xs text-ink-muted" />
            </p>
            <Button size="small" onClick={() => onUse(readCode(data.body.slice(0, 6)))}>
              Enter this code
            </Button>
          </div>
        )}
      </div>
    </section>
  );
}
