/** Changing where an endpoint is, and what it is told. */
import { api, body, type Schemas } from "../../../api/client";
import { Dialog } from "../../../parts/dialog";
import { toast } from "../../../parts/toasts";
import { EndpointForm } from "./endpoint-form";

export function ChangeEndpoint({ endpoint, isOpen, onClose }: { endpoint: Schemas["WebhookEndpoint"]; isOpen: boolean; onClose: () => void }) {
  return (
    <Dialog title="Change the endpoint" isOpen={isOpen} onClose={onClose}>
      <EndpointForm
        initial={endpoint}
        action="Save"
        save={(wish) => body(api.PATCH("/api/webhook-endpoints/{id}", { params: { path: { id: endpoint.id } }, body: wish }))}
        onSaved={() => {
          onClose();
          toast("The endpoint is changed");
        }}
      />
    </Dialog>
  );
}
