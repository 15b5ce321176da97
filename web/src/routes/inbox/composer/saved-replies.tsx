/** The replies that are kept for use again and again: found by their names, filled in by the server, put into the text. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { BookMarked, Settings2 } from "lucide-react";
import { Suspense, useState } from "react";
import { api, body } from "../../../api/client";
import { savedRepliesQuery } from "../../../api/conversations";
import { explain } from "../../../api/problem";
import { Button, IconButton } from "../../../parts/button";
import { lazyWithRetry } from "../../../parts/lazy-with-retry";
import { Picker } from "../../../parts/picker";
import { toastFailure, unopened } from "../../../parts/toasts";

const SavedRepliesDialog = lazyWithRetry(async () => (await import("./saved-replies-dialog")).SavedRepliesDialog);

export function SavedReplies({ conversationId, onInsert }: { conversationId: number; onInsert: (text: string) => void }) {
  const [isAsked, setAsked] = useState(false);
  const [isManaging, setManaging] = useState(false);
  const endManaging = () => setManaging(false);
  const query = useQuery({ ...savedRepliesQuery, enabled: isAsked });
  const render = useMutation({
    mutationFn: (id: number) =>
      body(api.POST("/api/saved-replies/{id}/render", { params: { path: { id } }, body: { conversation_id: conversationId } })),
    onSuccess: ({ text }) => onInsert(text),
    onError: (error) => toastFailure("The reply could not be filled in", error),
  });
  return (
    <>
      <Picker
        label="Find a saved reply"
        side="top"
        align="start"
        trigger={<IconButton icon={BookMarked} label="Saved replies" isBusy={render.isPending} />}
        items={(query.data ?? []).map(({ id, name, body }) => ({ value: String(id), label: name, hint: body.replace(/\s+/g, " ").slice(0, 120) }))}
        isLoading={query.isLoading}
        empty={query.isError ? explain(query.error) : query.data?.length ? "No saved reply is called that" : "No replies are saved yet"}
        onOpen={() => setAsked(true)}
        onChoose={(value) => render.mutate(Number(value))}
        footer={(close) => (
          <Button
            tone="quiet"
            icon={Settings2}
            className="w-full"
            onClick={() => {
              close();
              setManaging(true);
            }}
          >
            Make and change saved replies
          </Button>
        )}
      />
      {isManaging && (
        <Suspense>
          <SavedRepliesDialog onClose={endManaging} onFailure={unopened(endManaging)} />
        </Suspense>
      )}
    </>
  );
}
