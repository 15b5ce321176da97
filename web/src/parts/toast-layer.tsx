/** Where notices appear: at the edge of the page, the newest in front, until they are dismissed or their time is over. */
import { Toast } from "@base-ui/react/toast";
import { X } from "lucide-react";
import { useEffect } from "react";
import { IconButton } from "./button";
import { classes } from "./classes";
import { type Notice, takeNotices } from "./toasts";

const FAILURE_MS = 10_000;

const manager = Toast.createToastManager();

function add({ title, description, isFailure, action }: Notice): void {
  manager.add({
    title,
    ...(description !== undefined && { description }),
    ...(isFailure && { type: "danger", priority: "high" as const, timeout: FAILURE_MS }),
    ...(action && { actionProps: { children: action.label, onClick: action.onSelect } }),
  });
}

export function ToastLayer() {
  // After the provider's own effect: it listens by then.
  useEffect(() => takeNotices(add), []);
  return (
    <Toast.Provider toastManager={manager} limit={3}>
      <Toast.Portal>
        <Toast.Viewport className="fixed inset-x-3 bottom-[calc(4.5rem+env(safe-area-inset-bottom))] z-50 mx-auto flex max-w-sm flex-col gap-2 outline-none sm:inset-x-auto sm:end-4 sm:bottom-4 sm:w-88">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root
      key={toast.id}
      toast={toast}
      swipeDirection={["right", "down"]}
      className={classes(
        "flex items-start gap-2 rounded-lg border bg-raised py-2 ps-3.5 pe-1.5 text-ink shadow-floating transition-opacity data-ending-style:opacity-0 data-limited:hidden data-starting-style:opacity-0",
        toast.type === "danger" && "border-s-4 border-s-danger",
      )}
    >
      <Toast.Content className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-0.5 py-1.5">
        <Toast.Title className="min-w-0 font-medium break-words" />
        <Toast.Action className="rounded-sm font-medium text-accent underline-offset-2 hover:underline" />
        <Toast.Description className="basis-full text-[0.8125rem] break-words text-ink-muted" />
      </Toast.Content>
      <Toast.Close render={<IconButton icon={X} label="Dismiss" />} />
    </Toast.Root>
  ));
}
