/** Says that the server is out of reach, and that nothing is lost. */
import { useAtomValue } from "jotai";
import { WifiOff } from "lucide-react";
import { isOnlineAtom } from "../state/online";

export function OfflineBanner() {
  const isOnline = useAtomValue(isOnlineAtom);
  return (
    <div role="status" className="shrink-0">
      {!isOnline && (
        <p className="flex items-center justify-center gap-2 bg-warn-soft px-4 py-1.5 text-warn">
          <WifiOff aria-hidden="true" className="size-4 shrink-0" />
          The server is out of reach. What you write is kept; it is tried again by itself.
        </p>
      )}
    </div>
  );
}
