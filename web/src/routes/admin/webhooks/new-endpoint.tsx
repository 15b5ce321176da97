/** Adding an endpoint; its secret is shown this once. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Problem } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { Dialog } from "../../../parts/dialog";
import { FormError } from "../../../parts/states";
import { ShownOnce } from "../shared/shown-once";
import { EndpointFields, type Wish } from "./endpoint-fields";

type Made = Schemas["WebhookEndpointMade"];

export function NewEndpoint({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [made, setMade] = useState<Made>();
  const close = () => {
    setMade(undefined);
    onClose();
  };
  return (
    <Dialog
      title={made ? "Its signing secret" : "Add a webhook endpoint"}
      description={made && "Whoever is told checks with it that it was this server who told them."}
      isOpen={isOpen}
      onClose={close}
      footer={
        made && (
          <Button tone="accent" onClick={close}>
            I have copied it
          </Button>
        )
      }
    >
      {made ? <ShownOnce label="The secret" secret={made.secret} /> : <Form onMade={setMade} />}
    </Dialog>
  );
}

function Form({ onMade }: { onMade: (made: Made) => void }) {
  const client = useQueryClient();
  const [wish, setWish] = useState<Wish>({ url: "", events: ["message.delivered", "message.failed", "message.unknown", "message.received"] });
  const make = useMutation({
    mutationFn: () => body(api.POST("/api/webhook-endpoints", { body: { url: wish.url.trim(), events: [...wish.events] } })),
    onSuccess: (made) => {
      onMade(made);
      return client.invalidateQueries({ queryKey: keys.webhookEndpoints });
    },
  });
  const problem = make.error instanceof Problem ? make.error : undefined;
  return (
    <form
      noValidate
      className="flex flex-col gap-4 pb-4"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <EndpointFields wish={wish} problem={problem} onChange={setWish} />
      {(!problem || problem.errors.length === 0) && <FormError error={make.error} />}
      <div className="flex justify-end">
        <Button type="submit" tone="accent" isBusy={make.isPending}>
          Add it
        </Button>
      </div>
    </form>
  );
}
