/** Recording what somebody said on the telephone or on a form. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Problem } from "../../../api/problem";
import { Dialog } from "../../../parts/dialog";
import { Select, TextArea, TextField } from "../../../parts/field";
import { toast } from "../../../parts/toasts";
import { DialogForm } from "../shared/dialog-form";

const STATES = [
  { value: "opted_out", label: "Wants no messages" },
  { value: "opted_in", label: "Wants messages" },
] as const;

export interface ChangeConsentProps {
  /** Whose, if it was looked up. */
  address: string | undefined;
  isOpen: boolean;
  onClose: () => void;
}

export function ChangeConsent({ address, isOpen, onClose }: ChangeConsentProps) {
  return (
    <Dialog title="Record a change of consent" description="It counts at once: whoever opts out gets nothing from then on, and what waits for them is refused." isOpen={isOpen} onClose={onClose}>
      <Form address={address ?? ""} onDone={onClose} />
    </Dialog>
  );
}

function Form({ address, onDone }: { address: string; onDone: () => void }) {
  const client = useQueryClient();
  const [fields, setFields] = useState<Required<Schemas["ConsentRequest"]> & { note: string }>({ address, state: "opted_out", note: "" });
  const save = useMutation({
    mutationFn: () => body(api.PUT("/api/consents", { body: { ...fields, note: fields.note.trim() || null } })),
    onSuccess: () => {
      onDone();
      toast("It is recorded");
      return client.invalidateQueries({ queryKey: keys.consents });
    },
  });
  const problem = save.error instanceof Problem ? save.error : undefined;
  return (
    <DialogForm action="Record it" error={save.error} isBusy={save.isPending} onSubmit={save.mutate}>
      <TextField label="Phone number or email address" autoComplete="off" value={fields.address} error={problem?.field("address")} onChange={(event) => setFields({ ...fields, address: event.target.value })} />
      <Select
        label="They say"
        options={STATES}
        value={fields.state}
        error={problem?.field("state")}
        onChange={(event) => setFields({ ...fields, state: event.target.value === "opted_in" ? "opted_in" : "opted_out" })}
      />
      <TextArea label="How you know" hint="Kept as evidence: a call, a form, a contract" maxLength={500} value={fields.note} error={problem?.field("note")} onChange={(event) => setFields({ ...fields, note: event.target.value })} />
    </DialogForm>
  );
}
