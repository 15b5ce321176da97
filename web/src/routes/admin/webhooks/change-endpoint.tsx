/** Changing where an endpoint is, and what it is told. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Problem } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { Dialog } from "../../../parts/dialog";
import { FormError } from "../../../parts/states";
import { toast } from "../../../parts/toasts";
import { EndpointFields, type Wish } from "./endpoint-fields";

type Endpoint = Schemas["WebhookEndpoint"];

export function ChangeEndpoint({ endpoint, isOpen, onClose }: { endpoint: Endpoint; isOpen: boolean; onClose: () => void }) {
  return (
    <Dialog title="Change the endpoint" isOpen={isOpen} onClose={onClose}>
      <Form endpoint={endpoint} onDone={onClose} />
    </Dialog>
  );
}

function Form({ endpoint, onDone }: { endpoint: Endpoint; onDone: () => void }) {
  const client = useQueryClient();
  const [wish, setWish] = useState<Wish>(endpoint);
  const save = useMutation({
    mutationFn: () =>
      body(api.PATCH("/api/webhook-endpoints/{id}", { params: { path: { id: endpoint.id } }, body: { url: wish.url.trim(), events: [...wish.events] } })),
    onSuccess: () => {
      onDone();
      toast("The endpoint is changed");
      return client.invalidateQueries({ queryKey: keys.webhookEndpoints });
    },
  });
  const problem = save.error instanceof Problem ? save.error : undefined;
  return (
    <form
      noValidate
      className="flex flex-col gap-4 pb-4"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <EndpointFields wish={wish} problem={problem} onChange={setWish} />
      {(!problem || problem.errors.length === 0) && <FormError error={save.error} />}
      <div className="flex justify-end">
        <Button type="submit" tone="accent" isBusy={save.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}
