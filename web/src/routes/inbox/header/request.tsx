/** A stranger asks to write: it is theirs to whom it came to say yes or no. */
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Conversation } from "../../../api/conversations";
import { explain } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { ConfirmDialog } from "../../../parts/dialog";
import { toastFailure } from "../../../parts/toasts";
import { useAnswerRequest } from "./changes";

export function RequestBanner({ conversation, name }: { conversation: Conversation; name: string }) {
  const navigate = useNavigate();
  const [isAsking, setAsking] = useState(false);
  const answer = useAnswerRequest(conversation.id);
  return (
    <section aria-label="Request" className="flex flex-wrap items-center gap-2 border-t bg-accent-soft px-4 py-2">
      <p className="min-w-0 flex-1 basis-48">
        <bdi className="font-medium">{name}</bdi> would like to write to you. Answering accepts it.
      </p>
      <div className="flex gap-2">
        <Button size="small" onClick={() => setAsking(true)}>
          Decline
        </Button>
        <Button
          size="small"
          tone="accent"
          isBusy={answer.isPending && !isAsking}
          onClick={() => answer.mutate("accept", { onError: (error) => toastFailure("The request was not accepted", error) })}
        >
          Accept
        </Button>
      </div>
      <ConfirmDialog
        title={`Decline what ${name} asks?`}
        description="The conversation goes from your lists and whoever wrote it is blocked. They are not told. You can undo it under People."
        action="Decline"
        isOpen={isAsking}
        isBusy={answer.isPending}
        error={isAsking && answer.isError ? explain(answer.error) : undefined}
        onConfirm={() => answer.mutate("decline", { onSuccess: () => void navigate({ to: "/inbox", search: (search) => search }) })}
        onClose={() => setAsking(false)}
      />
    </section>
  );
}
