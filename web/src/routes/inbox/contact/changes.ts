/** What can be done to a contact; joining and splitting changes which conversations there are. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, done, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";

export type Contact = Schemas["Contact"];

/** Everything that shows a contact, or a conversation that may be joined or split by the change. */
export function useContactsChanged(conversation: number) {
  const client = useQueryClient();
  return (contact: Contact | undefined) => {
    if (contact) client.setQueryData(keys.contact(contact.id), contact);
    // Any other one may have been joined or split with it: what is not shown now is read when it is.
    client.removeQueries({ queryKey: keys.everyConversation, type: "inactive" });
    return Promise.all([
      client.invalidateQueries({ queryKey: keys.contacts }),
      client.invalidateQueries({ queryKey: keys.everyContact }),
      client.invalidateQueries({ queryKey: keys.conversations }),
      client.invalidateQueries({ queryKey: keys.conversation(conversation) }),
    ]);
  };
}

type Change =
  | { make: { name: string; addresses: string[] } }
  | { contact: number; rename: string }
  | { contact: number; notes: string | null }
  | { contact: number; join: string }
  | { contact: number; split: string }
  | { contact: number; merge: number }
  | { remove: number };

function send(change: Change): Promise<Contact | undefined> {
  if ("make" in change) return body(api.POST("/api/contacts", { body: change.make }));
  if ("remove" in change) return done(api.DELETE("/api/contacts/{id}", { params: { path: { id: change.remove } } })).then(() => undefined);
  const path = { id: change.contact };
  if ("rename" in change) return body(api.PATCH("/api/contacts/{id}", { params: { path }, body: { name: change.rename } }));
  if ("notes" in change) return body(api.PATCH("/api/contacts/{id}", { params: { path }, body: { notes: change.notes } }));
  if ("join" in change) return body(api.POST("/api/contacts/{id}/addresses", { params: { path }, body: { address: change.join } }));
  if ("merge" in change) return body(api.POST("/api/contacts/{id}/merge", { params: { path }, body: { contact_id: change.merge } }));
  return body(api.DELETE("/api/contacts/{id}/addresses/{address}", { params: { path: { ...path, address: change.split } } }));
}

export function useContactChange(conversation: number) {
  const changed = useContactsChanged(conversation);
  return useMutation({
    mutationFn: send,
    onSuccess: (contact) => {
      void changed(contact);
    },
  });
}
