/** Signing out: at once, or after asking where messages would be lost by it. */
import { useMutation } from "@tanstack/react-query";
import { useAtomValue, useSetAtom } from "jotai";
import { type ReactNode, useState } from "react";
import { dropAllOutgoingAtom, unsentAtom } from "../state/outgoing";
import { signOut } from "../state/session";
import { ConfirmDialog } from "./dialog";

export interface SignOut {
  start: () => void;
  isBusy: boolean;
  /** Why they are still signed in. */
  error: unknown;
  /** Where it is asked; to be shown beside the button. */
  question: ReactNode;
}

/** For whoever signs out, as `identityOf` names them. */
export function useSignOut(owner: string, onLeft: () => void | Promise<void>, onError?: (error: unknown) => void): SignOut {
  const { all, elsewhere } = useAtomValue(unsentAtom)(owner);
  const count = all.length;
  const dropAll = useSetAtom(dropAllOutgoingAtom);
  const [isAsking, setAsking] = useState(false);
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: () => {
      dropAll(owner);
      return onLeft();
    },
    onError,
    onSettled: () => setAsking(false),
  });
  return {
    start: () => (count > 0 ? setAsking(true) : leave.mutate()),
    isBusy: leave.isPending,
    error: leave.error,
    question: (
      <ConfirmDialog
        title={count === 1 ? "1 message is not sent" : `${count} messages are not sent`}
        description={`Only this browser has what the server did not take yet. Signing out drops it.${whereOf(elsewhere.length)}`}
        action="Sign out and drop"
        isOpen={isAsking}
        isBusy={leave.isPending}
        onConfirm={() => leave.mutate()}
        onClose={() => setAsking(false)}
      />
    ),
  };
}

/** Those that no thread shows here. */
function whereOf(elsewhere: number): string {
  if (elsewhere === 0) return "";
  return ` ${elsewhere} of them ${elsewhere === 1 ? "waits" : "wait"} in another workspace: your profile lists ${elsewhere === 1 ? "it" : "them"}.`;
}
