/** An address that is nobody's yet: give it a name, or to a contact that is there. */
import { useQuery } from "@tanstack/react-query";
import { UserRoundPlus } from "lucide-react";
import { useState } from "react";
import { api, body } from "../../../api/client";
import { keys } from "../../../api/keys";
import { explain, Problem } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { TextField } from "../../../parts/field";
import { FormError } from "../../../parts/states";
import { toast } from "../../../parts/toasts";
import { formatAddress } from "../names";
import { useContactChange } from "./changes";
import { AddressConsent } from "./consent";
import { ContactSearch } from "./contact-search";

export function Unknown({ conversationId, address }: { conversationId: number; address: string }) {
  const owner = useQuery({
    queryKey: [...keys.contactList({ address }), "owner"],
    queryFn: ({ signal }) => body(api.GET("/api/contacts", { signal, params: { query: { address, limit: 1 } } })),
  }).data?.data[0];
  return (
    <div className="rounded-lg border p-2.5">
      {owner && <bdi className="block text-xs text-ink-muted">{owner.name}</bdi>}
      <bdi className="mb-1 block font-medium break-all select-text">{formatAddress(address)}</bdi>
      <AddressConsent address={address} />
      {!owner && <Naming conversationId={conversationId} address={address} />}
    </div>
  );
}

function Naming({ conversationId, address }: { conversationId: number; address: string }) {
  const [name, setName] = useState("");
  const [isMissing, setMissing] = useState(false);
  const make = useContactChange(conversationId);
  const join = useContactChange(conversationId);
  const problem = make.error instanceof Problem ? make.error : undefined;
  return (
    <form
      noValidate
      className="mt-2 flex flex-col gap-2 border-t pt-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() === "") setMissing(true);
        else make.mutate({ make: { name: name.trim(), addresses: [address] } }, { onSuccess: () => toast("The contact is kept") });
      }}
    >
      <TextField
        label="Who is it?"
        placeholder="Name"
        autoComplete="off"
        error={isMissing ? "Give the contact a name" : (problem?.field("name") ?? problem?.field("addresses") ?? (make.isError ? explain(make.error) : undefined))}
        value={name}
        onChange={(event) => {
          setName(event.target.value);
          setMissing(false);
        }}
      />
      <div className="flex flex-wrap gap-2">
        <Button size="small" tone="accent" type="submit" icon={UserRoundPlus} isBusy={make.isPending}>
          Keep as a contact
        </Button>
        <ContactSearch
          onChoose={(contact) =>
            join.mutate({ contact: contact.id, join: address }, { onSuccess: () => toast(`It is an address of ${contact.name} now`) })
          }
          trigger={
            <Button size="small" isBusy={join.isPending}>
              Somebody known
            </Button>
          }
        />
      </div>
      <FormError error={join.error} />
    </form>
  );
}
