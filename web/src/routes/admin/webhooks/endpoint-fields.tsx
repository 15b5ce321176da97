/** The address of an endpoint, and what it is told. */
import { useId } from "react";
import type { Problem } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { Checkbox, FieldError, TextField } from "../../../parts/field";
import { EVENTS, type WebhookEvent } from "./events";

export interface Wish {
  url: string;
  events: readonly WebhookEvent[];
}

export function EndpointFields({ wish, problem, onChange }: { wish: Wish; problem: Problem | undefined; onChange: (wish: Wish) => void }) {
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
