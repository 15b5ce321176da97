/** Inviting somebody, by mail or by SMS. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Problem } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { Dialog } from "../../../parts/dialog";
import { Select, TextField } from "../../../parts/field";
import { FormError } from "../../../parts/states";
import { toast } from "../../../parts/toasts";
import { ROLES, roleNamed } from "./roles";

export function Invite({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <Dialog title="Invite somebody" description="They get a link by which they join this workspace." isOpen={isOpen} onClose={onClose}>
      <Form onDone={onClose} />
    </Dialog>
  );
}

function Form({ onDone }: { onDone: () => void }) {
  const client = useQueryClient();
  const [to, setTo] = useState("");
  const [role, setRole] = useState<Schemas["Role"]>("agent");
  const invite = useMutation({
    mutationFn: (wanted: Schemas["InvitationRequest"]) => body(api.POST("/api/invitations", { body: wanted })),
    onSuccess: () => {
      onDone();
      toast("The invitation is on its way");
      return client.invalidateQueries({ queryKey: keys.invitations });
    },
  });
  const problem = invite.error instanceof Problem ? invite.error : undefined;
  const ofTo = problem?.field("email") ?? problem?.field("mobile");
  return (
    <form
      noValidate
      className="flex flex-col gap-4 pb-4"
      onSubmit={(event) => {
        event.preventDefault();
        const address = to.trim();
        invite.mutate(address.includes("@") || address === "" ? { email: address, role } : { mobile: address, role });
      }}
    >
      <TextField label="Email or mobile" hint="A link goes there" autoComplete="off" value={to} error={ofTo} onChange={(event) => setTo(event.target.value)} />
      <Select label="As" options={ROLES} value={role} error={problem?.field("role")} onChange={(event) => setRole(roleNamed(event.target.value) ?? role)} />
      {!ofTo && <FormError error={invite.error} />}
      <div className="flex justify-end gap-2">
        <Button type="submit" tone="accent" isBusy={invite.isPending}>
          Invite
        </Button>
      </div>
    </form>
  );
}
