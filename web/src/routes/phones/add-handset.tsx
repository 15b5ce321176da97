/** Brings one more handset onto the page: one that had messages already, or any number or mailbox. */
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type SubmitEvent, useId, useState } from "react";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { handsetsQuery } from "./carrier";
import { readAddress } from "./shown";

const MOST_OFFERED = 6;

export function AddHandset({ shown, onAdd }: { shown: readonly string[]; onAdd: (address: string) => void }) {
  const handsets = useQuery(handsetsQuery);
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<string>();
  const list = useId();
  const others = (handsets.data ?? []).filter((handset) => !shown.includes(handset.address));

  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    const read = readAddress(typed);
    if ("problem" in read) return setProblem(read.problem);
    onAdd(read.address);
    setTyped("");
    setProblem(undefined);
  };

  return (
    <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
      <form onSubmit={onSubmit} className="flex w-full items-start gap-2 sm:w-auto">
        <TextField
          label="Phone number or mailbox to show"
          isLabelHidden
          list={list}
          placeholder="Number or mailbox"
          autoComplete="off"
          value={typed}
          error={problem}
          onChange={(event) => {
            setTyped(event.target.value);
            setProblem(undefined);
          }}
          className="min-w-0 flex-1 sm:w-56"
        />
        <datalist id={list}>
          {others.slice(0, 50).map((handset) => (
            <option key={handset.address} value={handset.address}>
              {handset.address}
            </option>
          ))}
        </datalist>
        <Button type="submit" icon={Plus}>
          Show
        </Button>
      </form>
      {others.length > 0 && (
        <ul aria-label="Other handsets with messages" className="flex min-w-0 flex-wrap gap-1.5">
          {others.slice(0, MOST_OFFERED).map((handset) => (
            <li key={handset.address} className="min-w-0">
              <Button size="small" tone="quiet" className="border bg-surface" onClick={() => onAdd(handset.address)}>
                <bdi className="max-w-48 truncate">{handset.address}</bdi>
                <span className="text-ink-muted tabular-nums">
                  {handset.message_count}
                  <span className="sr-only"> messages</span>
                </span>
              </Button>
            </li>
          ))}
          {others.length > MOST_OFFERED && <li className="self-center text-xs text-ink-muted">and {others.length - MOST_OFFERED} more</li>}
        </ul>
      )}
    </div>
  );
}
