/** Whether an address wants messages, what shows it, and the way to write a change down. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { consentsQuery } from "../../../api/conversations";
import { keys } from "../../../api/keys";
import { explain, Problem } from "../../../api/problem";
import { Badge, type Tone } from "../../../parts/badge";
import { Button } from "../../../parts/button";
import { Dialog } from "../../../parts/dialog";
import { TextArea } from "../../../parts/field";
import { Skeleton } from "../../../parts/skeleton";
import { FormError } from "../../../parts/states";
import { Time } from "../../../parts/time";
import { toast } from "../../../parts/toasts";
import { formatAddress } from "../names";
import { evidenceOf, sourceOf } from "./evidence";

type Consent = Schemas["Consent"];

const STATES: Record<Consent["state"] | "none", { label: string; tone: Tone }> = {
  opted_in: { label: "Opted in", tone: "ok" },
  opted_out: { label: "Opted out", tone: "danger" },
  none: { label: "Has said nothing", tone: "plain" },
};

export function AddressConsent({ address }: { address: string }) {
  const query = useQuery(consentsQuery(address));
  const [isChanging, setChanging] = useState(false);
  if (query.isPending) return <Skeleton className="h-5 w-32" />;
  if (query.isError) {
    return (
      <p role="alert" className="text-xs text-danger">
        {explain(query.error)}{" "}
        <button type="button" className="min-h-10 font-medium underline sm:min-h-0" onClick={() => void query.refetch()}>
          Try again
        </button>
      </p>
    );
  }
  const history = query.data.data;
  const [newest] = history;
  const state = STATES[newest?.state ?? "none"];
  return (
    <div className="flex flex-col gap-1">
      <div className="flex flex-wrap items-center gap-x-2">
        <Badge tone={state.tone}>{state.label}</Badge>
        <span className="text-xs text-ink-muted">{address.includes("@") ? "mails" : "texts"}</span>
        <Button tone="quiet" size="small" className="ms-auto" aria-label={`Change the consent of ${formatAddress(address)}`} onClick={() => setChanging(true)}>
          Change
        </Button>
      </div>
      {newest && <Entry consent={newest} />}
      {history.length > 1 && (
        <details className="text-xs">
          <summary className="py-2.5 text-ink-muted hover:text-ink sm:py-0.5">Earlier ({history.length - 1})</summary>
          <ul className="mt-1 flex flex-col gap-2 border-s-2 ps-3">
            {history.slice(1).map((consent) => (
              <li key={consent.id}>
                <span className="font-medium">{STATES[consent.state].label}</span> <Entry consent={consent} />
              </li>
            ))}
          </ul>
        </details>
      )}
      {isChanging && <ConsentDialog address={address} now={newest?.state} onClose={() => setChanging(false)} />}
    </div>
  );
}

function Entry({ consent }: { consent: Consent }) {
  const evidence = evidenceOf(consent);
  return (
    <p className="text-xs break-words text-ink-muted">
      {sourceOf(consent)}, <Time at={consent.at} form="short" />
      {evidence !== undefined && (
        <bdi className="mt-0.5 block border-s-2 border-line-strong ps-2 whitespace-pre-wrap text-ink" dir="auto">
          {evidence}
        </bdi>
      )}
    </p>
  );
}

interface ConsentDialogProps {
  address: string;
  now: Consent["state"] | undefined;
  onClose: () => void;
}

function ConsentDialog({ address, now, onClose }: ConsentDialogProps) {
  const client = useQueryClient();
  const [state, setState] = useState<Consent["state"]>(now === "opted_in" ? "opted_out" : "opted_in");
  const [note, setNote] = useState("");
  const [isMissing, setMissing] = useState(false);
  const put = useMutation({
    mutationFn: () => body(api.PUT("/api/consents", { body: { address, state, note: note.trim() } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.consents });
      toast("The consent is written down");
      onClose();
    },
  });
  const problem = put.error instanceof Problem ? put.error : undefined;
  const kind = address.includes("@") ? "mails" : "texts";
  return (
    <Dialog
      title={`What ${formatAddress(address)} wants`}
      description="Write down what they said, and how you know. It stays in the history as evidence."
      isOpen
      onClose={onClose}
      size="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="accent"
            isBusy={put.isPending}
            onClick={() => {
              if (note.trim() === "") setMissing(true);
              else put.mutate();
            }}
          >
            Write it down
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <FormError error={problem?.errors.length ? undefined : put.error} />
        <fieldset>
          <legend className="text-[0.8125rem] font-medium">From now on</legend>
          {(["opted_in", "opted_out"] as const).map((value) => (
            <label key={value} className="flex min-h-10 items-center gap-2.5 sm:min-h-8">
              <input type="radio" name="consent" value={value} checked={state === value} onChange={() => setState(value)} className="size-4" />
              {value === "opted_in" ? `They want ${kind}` : `They want no ${kind}`}
            </label>
          ))}
        </fieldset>
        {state === "opted_in" && now === "opted_out" && (
          <p className="rounded-md bg-warn-soft px-3 py-2 text-[0.8125rem] text-warn">They opted out. Only their own word counts as a reason to write to them again.</p>
        )}
        <TextArea
          data-autofocus
          label="How you know"
          placeholder="Said so on the telephone"
          maxLength={500}
          error={isMissing ? "Write how you know: it is the evidence" : (problem?.field("note") ?? problem?.field("address"))}
          value={note}
          onChange={(event) => {
            setNote(event.target.value);
            setMissing(false);
          }}
        />
      </div>
    </Dialog>
  );
}
