/** The sheet of keys. */
import { useAtom } from "jotai";
import { Dialog } from "../../parts/dialog";
import { Switch } from "../../parts/field";
import { areKeysOnAtom } from "../../state/preferences";
import { KEYS } from "./keyboard";

export function KeySheet({ onClose }: { onClose: () => void }) {
  const [areKeysOn, setKeysOn] = useAtom(areKeysOnAtom);
  return (
    <Dialog title="Keys of the inbox" isOpen onClose={onClose} size="small">
      <Switch label="Single keys do something" hint="Switched off, they can be switched on again in the account menu. Escape always works." checked={areKeysOn} onChange={(event) => setKeysOn(event.target.checked)} className="border-b pb-2" />
      <dl className="flex flex-col">
        {KEYS.map(({ keys, does }) => (
          <div key={does} className="flex items-center justify-between gap-4 border-b py-2 last:border-b-0">
            <dt className="order-2 flex shrink-0 gap-1">
              {keys.map((key) => (
                <kbd key={key} className="min-w-6 rounded-md border border-line-strong bg-sunken px-1.5 py-0.5 text-center font-mono text-xs">
                  {key}
                </kbd>
              ))}
            </dt>
            <dd className="order-1">{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
