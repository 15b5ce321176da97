/** Looks for a contact by name or by a whole address, as the server finds them. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, body } from "../../../api/client";
import { keys } from "../../../api/keys";
import { explain } from "../../../api/problem";
import { Avatar } from "../../../parts/avatar";
import { Picker, type PickerProps } from "../../../parts/picker";
import { formatAddress } from "../names";
import type { Contact } from "./changes";

const PAUSE_MS = 200;

export interface ContactSearchProps {
  trigger: PickerProps["trigger"];
  /** Not to be offered. */
  except?: number | undefined;
  onChoose: (contact: Contact) => void;
}

export function ContactSearch({ trigger, except, onChoose }: ContactSearchProps) {
  const [typed, setTyped] = useState("");
  const [wanted, setWanted] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setWanted(typed), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const filter = { ...(wanted !== "" && { q: wanted }), limit: 20 };
  const query = useQuery({
    queryKey: [...keys.contactList(filter), "search"],
    queryFn: ({ signal }) => body(api.GET("/api/contacts", { signal, params: { query: filter } })),
    placeholderData: keepPreviousData,
  });
  const found = (query.data?.data ?? []).filter((contact) => contact.id !== except);
  return (
    <Picker
      label="Find a contact"
      align="start"
      trigger={trigger}
      items={found.map(({ id, name, addresses }) => ({
        value: String(id),
        label: name,
        hint: addresses.map(formatAddress).join(", "),
        icon: <Avatar name={name} size="small" />,
      }))}
      isLoading={query.isFetching || typed !== wanted}
      empty={query.isError ? explain(query.error) : "Nobody is found by that name or address"}
      onSearch={setTyped}
      onChoose={(value) => {
        const contact = found.find(({ id }) => String(id) === value);
        if (contact) onChoose(contact);
      }}
    />
  );
}
