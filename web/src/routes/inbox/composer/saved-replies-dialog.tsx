/** Makes, changes and deletes saved replies. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { BookMarked, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { api, body, done, type Schemas } from "../../../api/client";
import { savedRepliesQuery } from "../../../api/conversations";
import { keys } from "../../../api/keys";
import { explain, Problem } from "../../../api/problem";
import { Button, IconButton } from "../../../parts/button";
import { ConfirmDialog, Dialog } from "../../../parts/dialog";
import { TextArea, TextField } from "../../../parts/field";
import { SkeletonRows } from "../../../parts/skeleton";
import { EmptyState, ErrorState, FormError } from "../../../parts/states";
import { toast } from "../../../parts/toasts";

type SavedReply = Schemas["SavedReply"];

export function SavedRepliesDialog({ onClose }: { onClose: () => void }) {
  const [edited, setEdited] = useState<SavedReply | "new">();
  const title = edited === undefined ? "Saved replies" : edited === "new" ? "A new saved reply" : `Change “${edited.name}”`;
  return (
    <Dialog title={title} isOpen onClose={onClose} size="medium">
      {edited === undefined ? (
        <List onNew={() => setEdited("new")} onEdit={setEdited} />
      ) : (
        <ReplyForm reply={edited === "new" ? undefined : edited} onDone={() => setEdited(undefined)} />
      )}
    </Dialog>
  );
}

function List({ onNew, onEdit }: { onNew: () => void; onEdit: (reply: SavedReply) => void }) {
  const query = useQuery(savedRepliesQuery);
  const [deleted, setDeleted] = useState<SavedReply>();
  if (query.isPending) return <SkeletonRows count={4} />;
  if (query.isError) return <ErrorState error={query.error} onRetry={() => void query.refetch()} isRetrying={query.isFetching} />;
  const make = (
    <Button tone="accent" icon={Plus} onClick={onNew}>
      New saved reply
    </Button>
  );
  if (query.data.length === 0) {
    return (
      <EmptyState icon={BookMarked} title="No replies are saved yet" action={make}>
        Keep what you write again and again, and put it into a message with two keys.
      </EmptyState>
    );
  }
  return (
    <div className="flex flex-col gap-3 pb-3">
      <div>{make}</div>
      <ul className="divide-y rounded-lg border">
        {query.data.map((reply) => (
          <li key={reply.id} className="flex items-start gap-1 py-2 ps-3 pe-1">
            <div className="min-w-0 flex-1 py-1">
              <bdi className="block truncate font-medium">{reply.name}</bdi>
              <bdi className="line-clamp-2 text-[0.8125rem] text-ink-muted">{reply.body}</bdi>
            </div>
            <IconButton icon={Pencil} label={`Change ${reply.name}`} onClick={() => onEdit(reply)} />
            <IconButton icon={Trash2} label={`Delete ${reply.name}`} onClick={() => setDeleted(reply)} />
          </li>
        ))}
      </ul>
      {deleted && <DeleteReply reply={deleted} onDone={() => setDeleted(undefined)} />}
    </div>
  );
}

function DeleteReply({ reply, onDone }: { reply: SavedReply; onDone: () => void }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => done(api.DELETE("/api/saved-replies/{id}", { params: { path: { id: reply.id } } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.savedReplies });
      toast("The saved reply is deleted");
      onDone();
    },
  });
  return (
    <ConfirmDialog
      title={`Delete “${reply.name}”?`}
      description="Nobody of the team can use it any more. What was sent stays."
      action="Delete"
      isOpen
      isBusy={remove.isPending}
      error={remove.isError ? explain(remove.error) : undefined}
      onConfirm={() => remove.mutate()}
      onClose={onDone}
    />
  );
}

interface Values {
  name: string;
  body: string;
}

function ReplyForm({ reply, onDone }: { reply: SavedReply | undefined; onDone: () => void }) {
  const client = useQueryClient();
  const { register, handleSubmit, formState } = useForm<Values>({ defaultValues: { name: reply?.name ?? "", body: reply?.body ?? "" } });
  const save = useMutation({
    mutationFn: (values: Values) =>
      reply
        ? body(api.PATCH("/api/saved-replies/{id}", { params: { path: { id: reply.id } }, body: values }))
        : body(api.POST("/api/saved-replies", { body: values })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.savedReplies });
      toast("The saved reply is kept");
      onDone();
    },
  });
  const problem = save.error instanceof Problem ? save.error : undefined;
  const isNamed = problem?.errors.some(({ field }) => field === "name" || field === "body") ?? false;
  return (
    <form noValidate className="flex flex-col gap-3 pb-3" onSubmit={(event) => void handleSubmit((values) => save.mutate(values))(event)}>
      <FormError error={isNamed ? undefined : save.error} />
      <TextField
        label="Name"
        hint="How it is found"
        autoComplete="off"
        error={formState.errors.name?.message ?? problem?.field("name")}
        {...register("name", { required: "Give it a name" })}
      />
      <TextArea
        label="Text"
        rows={6}
        hint="{{contact}}, {{agent}} and {{workspace}} are filled in."
        error={formState.errors.body?.message ?? problem?.field("body")}
        {...register("body", { required: "Write the text" })}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>Back</Button>
        <Button tone="accent" type="submit" isBusy={save.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}
