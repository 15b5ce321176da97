/** Making a key: its name, what it may do, and for how long; then the key itself, this once. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Problem } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { Dialog } from "../../../parts/dialog";
import { Checkbox, FieldError, Select, TextField } from "../../../parts/field";
import { DialogForm } from "../shared/dialog-form";
import { fromLocalField } from "../shared/local-time";
import { ShownOnce } from "../shared/shown-once";

const SCOPES = [
  { name: "messages:send", hint: "Send messages, and decide what becomes of them" },
  { name: "messages:read", hint: "Read conversations, contacts and consent" },
  { name: "metrics:read", hint: "Read the figures of the server" },
  { name: "admin", hint: "Everything, this page included" },
] as const;

const DAY_MS = 86_400_000;
const LIVES = [
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "A year" },
  { value: "never", label: "Until it is revoked" },
  { value: "date", label: "Until a day of my choice" },
] as const;

export function NewKey({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [made, setMade] = useState<Schemas["KeyMade"]>();
  const close = () => {
    setMade(undefined);
    onClose();
  };
  return (
    <Dialog
      title={made ? `The key ${made.name}` : "Make an API key"}
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
      {made ? <ShownOnce label="The key" secret={made.key} /> : <Form onMade={setMade} />}
    </Dialog>
  );
}

function Form({ onMade }: { onMade: (made: Schemas["KeyMade"]) => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<readonly string[]>(["messages:send"]);
  const [life, setLife] = useState<string>("90");
  const [until, setUntil] = useState("");
  const group = useId();
  const make = useMutation({
    mutationFn: (wanted: Schemas["KeyRequest"]) => body(api.POST("/api/keys", { body: wanted })),
    onSuccess: (made) => {
      onMade(made);
      return client.invalidateQueries({ queryKey: keys.apiKeys });
    },
  });
  const problem = make.error instanceof Problem ? make.error : undefined;
  const submit = () => {
    const days = Number(life);
    const expires = life === "date" ? fromLocalField(until) : days > 0 ? new Date(Date.now() + days * DAY_MS).toISOString() : undefined;
    make.mutate({ name: name.trim(), scopes: [...scopes], ...(expires && { expires_at: expires }) });
  };
  return (
    <DialogForm action="Make the key" error={make.error} isBusy={make.isPending} isDisabled={life === "date" && fromLocalField(until) === undefined} onSubmit={submit}>
      <TextField label="Name" hint="What uses it, such as the shop's checkout" autoComplete="off" value={name} error={problem?.field("name")} onChange={(event) => setName(event.target.value)} />
      <fieldset aria-describedby={`${group}-error`} className="flex flex-col">
        <legend className="text-[0.8125rem] font-medium">It may</legend>
        {SCOPES.map((scope) => (
          <Checkbox
            key={scope.name}
            label={scope.name}
            hint={scope.hint}
            checked={scopes.includes(scope.name)}
            onChange={(event) => setScopes(event.target.checked ? [...scopes, scope.name] : scopes.filter((one) => one !== scope.name))}
          />
        ))}
        <FieldError id={`${group}-error`} message={problem?.field("scopes")} />
      </fieldset>
      <Select label="Good for" options={LIVES} value={life} error={life === "date" ? undefined : problem?.field("expires_at")} onChange={(event) => setLife(event.target.value)} />
      {life === "date" && <TextField label="Until" type="datetime-local" hint="In your own time zone" required value={until} error={problem?.field("expires_at")} onChange={(event) => setUntil(event.target.value)} />}
    </DialogForm>
  );
}
