/** What a picker shows once it is open; `picker` fetches it when it is wanted first. It begins open. */
import { Combobox } from "@base-ui/react/combobox";
import { Check, Plus, Search } from "lucide-react";
import { useState } from "react";
import { CutLine, MOST_SHOWN } from "./cut";
import type { PickerItem, PickerProps } from "./picker";
import { Spinner } from "./spinner";

const CREATE = "\u0000create";

export function OpenPicker(props: PickerProps) {
  const { trigger, label, items, chosen = [], isMultiple = false, side = "bottom", align = "end", onSearch, onCreate, onChoose } = props;
  const [isOpen, setOpen] = useState(true);
  const [text, setText] = useState("");
  const wanted = text.trim();
  const isNew = onCreate !== undefined && wanted !== "" && !items.some((item) => isSame(item.label, wanted));
  const shown = items.filter((item) => onSearch !== undefined || wanted === "" || isMatch(item, wanted));
  const drawn = shown.slice(0, MOST_SHOWN);
  const all = isNew ? [...drawn, { value: CREATE, label: wanted }] : drawn;

  const search = (next: string) => {
    setText(next);
    onSearch?.(next.trim());
  };
  const choose = (value: string | undefined) => {
    if (value === undefined) return;
    if (value === CREATE) onCreate?.(wanted);
    else onChoose(value);
    if (!isMultiple) setOpen(false);
    search("");
  };
  const open = (next: boolean) => {
    setOpen(next);
    if (next) props.onOpen?.();
    else search("");
  };

  return (
    <Combobox.Root
      items={all}
      filter={null}
      multiple
      autoHighlight
      open={isOpen}
      onOpenChange={open}
      inputValue={text}
      onInputValueChange={(next, { reason }) => reason === "input-change" && search(next)}
      value={all.filter((item) => chosen.includes(item.value))}
      isItemEqualToValue={(one: PickerItem, other: PickerItem) => one.value === other.value}
      onValueChange={(next: PickerItem[]) => choose(changed(all, chosen, next))}
    >
      {/* A button that opens a list; the search in it is the combobox. */}
      <Combobox.Trigger role="button" aria-haspopup="dialog" render={trigger} />
      <Combobox.Portal>
        <Combobox.Positioner side={side} align={align} sideOffset={6} collisionPadding={8} className="z-50 outline-none">
          <Combobox.Popup aria-label={label} className="flex max-h-[min(24rem,var(--available-height))] w-72 max-w-[calc(100vw-1rem)] flex-col rounded-lg border bg-raised text-ink shadow-floating outline-none">
            <div className="flex items-center gap-2 border-b px-3">
              <Search aria-hidden="true" className="size-4 shrink-0 text-ink-muted" />
              <Combobox.Input aria-label={label} placeholder={label} dir="auto" className="h-10 min-w-0 flex-1 bg-transparent text-base outline-none sm:text-sm" />
              {props.isLoading && <Spinner />}
            </div>
            <Combobox.Empty className="px-3 py-4 text-center text-ink-muted empty:hidden">{props.isLoading ? "Looking…" : props.empty}</Combobox.Empty>
            <Combobox.List className="min-h-0 overflow-y-auto overscroll-contain p-1 empty:hidden">
              {(item: PickerItem) => <Row key={item.value} item={item} />}
            </Combobox.List>
            <CutLine found={shown.length} className="border-t px-3 py-2 text-xs text-ink-muted" />
            {props.footer && <div className="border-t p-1">{props.footer(() => open(false))}</div>}
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  );
}

function Row({ item }: { item: PickerItem }) {
  const isCreate = item.value === CREATE;
  return (
    <Combobox.Item value={item} className="flex min-h-10 cursor-default items-center gap-2.5 rounded-md px-2.5 py-1.5 outline-none select-none sm:min-h-8 data-highlighted:bg-hover">
      {isCreate ? <Plus aria-hidden="true" className="size-4 shrink-0 text-accent" /> : item.icon}
      <span className="min-w-0 flex-1">
        <bdi className="block truncate">{isCreate ? `Make “${item.label}”` : item.label}</bdi>
        {item.hint !== undefined && <bdi className="block truncate text-xs text-ink-muted">{item.hint}</bdi>}
      </span>
      <Combobox.ItemIndicator>
        <Check aria-hidden="true" className="size-4 text-accent" />
      </Combobox.ItemIndicator>
    </Combobox.Item>
  );
}

/** The one that was put to those that hold, or taken from them. */
function changed(all: readonly PickerItem[], chosen: readonly string[], next: readonly PickerItem[]): string | undefined {
  const added = next.find((item) => !chosen.includes(item.value));
  return (added ?? all.find((item) => chosen.includes(item.value) && !next.some((other) => other.value === item.value)))?.value;
}

function isSame(one: string, other: string): boolean {
  return one.localeCompare(other, undefined, { sensitivity: "accent" }) === 0;
}

function isMatch(item: PickerItem, wanted: string): boolean {
  const text = `${item.label} ${item.hint ?? ""}`.toLocaleLowerCase();
  return wanted
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
