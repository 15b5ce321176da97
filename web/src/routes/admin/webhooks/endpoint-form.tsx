/** The address of an endpoint, and what it is told: to be added, or changed. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { keys } from "../../../api/keys";
import { Problem } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { Checkbox, FieldError, TextField } from "../../../parts/field";
import { DialogForm } from "../shared/dialog-form";
import { EVENTS, type WebhookEvent } from "./events";

interface Wish {
  url: string;
  events: readonly WebhookEvent[];
}

export interface EndpointFormProps<T> {
  initial: Wish;
  /** What the button does, as a verb. */
  action: string;
  save: (wish: { url: string; events: WebhookEvent[] }) => Promise<T>;
  onSaved: (saved: T) => void;
}

export function EndpointForm<T>({ initial, action, save, onSaved }: EndpointFormProps<T>) {
  const client = useQueryClient();
  const [wish, setWish] = useState(initial);
  const saving = useMutation({
    mutationFn: () => save({ url: wish.url.trim(), events: [...wish.events] }),
    onSuccess: (saved) => {
      onSaved(saved);
      return client.invalidateQueries({ queryKey: keys.webhookEndpoints });
    },
  });
  const problem = saving.error instanceof Problem ? saving.error : undefined;
  return (
    <DialogForm action={action} error={saving.error} isBusy={saving.isPending} onSubmit={saving.mutate}>
      <Fields wish={wish} problem={problem} onChange={setWish} />
    </DialogForm>
  );
}

function Fields({ wish, problem, onChange }: { wish: Wish; problem: Problem | undefined; onChange: (wish: Wish) => void }) {
  const id = useId();
  const isAll = wish.events.length === EVENTS.length;
  const toggle = (name: WebhookEvent, isWanted: boolean) => onChange({ ...wish, events: isWanted ? [...wish.events, name] : wish.events.filter((one) => one !== name) });
  return (
    <>
      <TextField label="Address" type="url" dir="ltr" placeholder="https://example.com/hooks/switchboard" hint="https:// and on the public internet" autoComplete="off" value={wish.url} error={problem?.field("url")} onChange={(event) => onChange({ ...wish, url: event.target.value })} />
      <fieldset aria-describedby={`${id}-error`} className="flex flex-col">
        <legend className="flex w-full items-center justify-between text-[0.8125rem] font-medium">
          It is told of
          <Button size="small" tone="quiet" onClick={() => onChange({ ...wish, events: isAll ? [] : EVENTS.map(({ name }) => name) })}>
            {isAll ? "None" : "All"}
          </Button>
        </legend>
        <div className="grid gap-x-4 sm:grid-cols-2">
          {EVENTS.map(({ name, hint }) => (
            <Checkbox key={name} label={name} hint={hint} checked={wish.events.includes(name)} onChange={(event) => toggle(name, event.target.checked)} />
          ))}
        </div>
        <FieldError id={`${id}-error`} message={problem?.field("events")} />
      </fieldset>
    </>
  );
}
