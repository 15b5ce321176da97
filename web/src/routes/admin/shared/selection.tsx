/** Which rows of a list are chosen. */
import { useState } from "react";
import { Checkbox } from "../../../parts/field";

export interface Selection {
  /** Of the rows that are shown, those that are chosen. */
  chosen: readonly number[];
  has: (id: number) => boolean;
  toggle: (id: number) => void;
  setAll: (isChosen: boolean) => void;
  clear: () => void;
}

export function useSelection(shown: readonly number[]): Selection {
  const [kept, setKept] = useState<ReadonlySet<number>>(new Set());
  return {
    chosen: shown.filter((id) => kept.has(id)),
    has: (id) => kept.has(id),
    toggle: (id) => setKept((before) => (before.has(id) ? new Set([...before].filter((one) => one !== id)) : new Set([...before, id]))),
    setAll: (isChosen) => setKept(new Set(isChosen ? shown : [])),
    clear: () => setKept(new Set()),
  };
}

export function SelectAll({ selection, count, noun }: { selection: Selection; count: number; noun: string }) {
  const { length } = selection.chosen;
  return (
    <Checkbox
      label={length === 0 ? `Choose all ${count} shown` : `${length} ${noun} chosen`}
      checked={count > 0 && length === count}
      ref={(box) => {
        if (box) box.indeterminate = length > 0 && length < count;
      }}
      onChange={(event) => selection.setAll(event.target.checked)}
    />
  );
}

/** The box of one row; its name is for those who do not see the row. */
export function SelectOne({ selection, id, label }: { selection: Selection; id: number; label: string }) {
  return (
    <label className="inline-flex size-10 items-center justify-center sm:size-6">
      <span className="sr-only">{label}</span>
      <input type="checkbox" className="size-4" checked={selection.has(id)} onChange={() => selection.toggle(id)} />
    </label>
  );
}
