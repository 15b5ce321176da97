/** That a message was edited, and what it said before. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../../../api/client";
import { keys } from "../../../api/keys";
import type { Message } from "../../../api/thread";
import { Dialog } from "../../../parts/dialog";
import { MessageText } from "../../../parts/message-text";
import { SkeletonRows } from "../../../parts/skeleton";
import { ErrorState } from "../../../parts/states";
import { Time } from "../../../parts/time";

export function EditedMark({ message }: { message: Message }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)} className="relative rounded-sm after:absolute after:-inset-x-1 after:-inset-y-3 hover:underline">
        edited
      </button>
      {isOpen && (
        <Dialog title="What it said before" isOpen onClose={() => setOpen(false)}>
          <History message={message} />
        </Dialog>
      )}
    </>
  );
}

function History({ message }: { message: Message }) {
  const { conversation_id: id, id: mid } = message;
  const query = useQuery({
    queryKey: keys.edits(id, mid),
    queryFn: ({ signal }) => body(api.GET("/api/conversations/{id}/messages/{mid}/history", { signal, params: { path: { id, mid } } })),
    staleTime: 0,
  });
  if (query.isPending) return <SkeletonRows count={2} />;
  if (query.isError) {
    return <ErrorState error={query.error} title="Its earlier texts could not be loaded" onRetry={() => void query.refetch()} isRetrying={query.isFetching} />;
  }
  return (
    <ol className="flex flex-col gap-3 pb-2">
      {query.data.data.map((edit) => (
        <li key={edit.replaced_at} className="rounded-lg bg-sunken px-3 py-2">
          <MessageText text={edit.body} />
          <p className="mt-1 text-xs text-ink-muted">
            Until <Time at={edit.replaced_at} form="exact" />
          </p>
        </li>
      ))}
      <li className="rounded-lg bg-accent-soft px-3 py-2">
        <MessageText text={message.body} />
        <p className="mt-1 text-xs text-ink-muted">Now</p>
      </li>
    </ol>
  );
}
