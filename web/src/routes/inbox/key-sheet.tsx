/** The sheet of keys. */
import { Dialog } from "../../parts/dialog";
import { KEYS } from "./keyboard";

export function KeySheet({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys of the inbox" isOpen onClose={onClose} size="small">
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
