/** Adding an endpoint; its secret is shown this once. */
import { useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { Button } from "../../../parts/button";
import { Dialog } from "../../../parts/dialog";
import { ShownOnce } from "../shared/shown-once";
import { EndpointForm } from "./endpoint-form";
import type { WebhookEvent } from "./events";

type Made = Schemas["WebhookEndpointMade"];

const USUAL: readonly WebhookEvent[] = ["message.delivered", "message.failed", "message.unknown", "message.received"];

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
      {made ? (
        <ShownOnce label="The secret" secret={made.secret} />
      ) : (
        <EndpointForm initial={{ url: "", events: USUAL }} action="Add it" save={(wish) => body(api.POST("/api/webhook-endpoints", { body: wish }))} onSaved={setMade} />
      )}
    </Dialog>
  );
}
