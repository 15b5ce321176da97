/** The form of the settings: everything the workspace decides, saved together. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Problem } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { FieldError, Switch, TextArea, TextField } from "../../../parts/field";
import { Section } from "../../../parts/page";
import { FormError } from "../../../parts/states";
import { toast } from "../../../parts/toasts";
import { changesOf, fieldsOf, type Settings, type SettingsFields } from "./change";
import { Choices } from "./choices";

const MAX_HELP = 480;

const STRANGERS = [
  { value: "write", label: "Write to each other", hint: "Whoever knows a username may write to it." },
  { value: "ask", label: "Ask first", hint: "What a stranger writes waits until it is accepted." },
  { value: "no", label: "Not write at all", hint: "Only friends chat." },
] as const;

const HISTORY = [
  { value: "joined", label: "From when they joined", hint: "What was said before stays among those who were there." },
  { value: "all", label: "All of it", hint: "Whoever joins reads everything from the beginning." },
] as const;

const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function SettingsForm({ settings }: { settings: Settings }) {
  const client = useQueryClient();
  const before = useMemo(() => fieldsOf(settings, ownZone), [settings]);
  const [changed, setChanged] = useState<Partial<SettingsFields>>({});
  const now = { ...before, ...changed };
  const change = changesOf(before, now);
  const isChanged = Object.keys(change).length > 0;
  const save = useMutation({
    mutationFn: (change: Schemas["SettingsRequest"]) => body(api.PATCH("/api/settings", { body: change })),
    onSuccess: (settings) => {
      client.setQueryData(keys.settings, settings);
      setChanged({});
      toast("The settings are saved");
    },
  });
  const problem = save.error instanceof Problem ? save.error : undefined;
  const set = (change: Partial<SettingsFields>) => setChanged((before) => ({ ...before, ...change }));

  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate(change);
      }}
    >
      <Section title="Workspace">
        <TextField label="Name" className="max-w-sm" autoComplete="off" maxLength={100} value={now.name} error={problem?.field("name")} onChange={(event) => set({ name: event.target.value })} />
      </Section>
      <Section title="Chats">
        <div className="grid gap-5 md:grid-cols-2">
          <Choices legend="People who are no friends may" name="strangers" options={STRANGERS} value={now.strangers} error={problem?.field("strangers")} onChange={(strangers) => set({ strangers })} />
          <Choices legend="Of a group's past a new member sees" name="group_history" options={HISTORY} value={now.group_history} error={problem?.field("group_history")} onChange={(group_history) => set({ group_history })} />
        </div>
      </Section>
      <Section title="Texts" description="For the workspace's numbers.">
        <div className="flex max-w-xl flex-col gap-5">
          <TextArea
            label="Answer to HELP and INFO"
            hint={`Once a day to everybody who asks. Empty: nothing is answered. ${now.help_text.length} of ${MAX_HELP} characters.`}
            value={now.help_text}
            error={problem?.field("help_text")}
            onChange={(event) => set({ help_text: event.target.value })}
          />
          <fieldset className="flex flex-col gap-2">
            <legend className="sr-only">Quiet hours</legend>
            <Switch label="Quiet hours" hint="Texts wait over night, by the recipient's clock. Login codes do not." checked={now.isQuiet} onChange={(event) => set({ isQuiet: event.target.checked })} />
            {now.isQuiet && (
              <div className="grid grid-cols-2 gap-3 sm:grid-cols-[8rem_8rem_1fr]">
                <TextField label="From" type="time" value={now.from} onChange={(event) => set({ from: event.target.value })} />
                <TextField label="Until" type="time" value={now.until} onChange={(event) => set({ until: event.target.value })} />
                <TextField
                  className="col-span-2 sm:col-span-1"
                  label="Time zone"
                  hint="Of numbers that do not tell theirs"
                  list="zones"
                  autoComplete="off"
                  dir="ltr"
                  value={now.zone}
                  onChange={(event) => set({ zone: event.target.value })}
                />
                <Zones />
              </div>
            )}
            <FieldError message={problem?.field("quiet_hours")} />
          </fieldset>
        </div>
      </Section>
      {(!problem || problem.errors.length === 0) && <FormError error={save.error} />}
      <div className="sticky bottom-0 flex flex-wrap items-center justify-end gap-2 rounded-lg border bg-surface px-4 py-2.5 shadow-raised">
        <p role="status" className="me-auto text-ink-muted">
          {isChanged ? "Not saved yet" : "Everything is saved"}
        </p>
        <Button
          disabled={!isChanged || save.isPending}
          onClick={() => {
            save.reset();
            setChanged({});
          }}
        >
          Undo
        </Button>
        <Button type="submit" tone="accent" isBusy={save.isPending} disabled={!isChanged}>
          Save
        </Button>
      </div>
    </form>
  );
}

function Zones() {
  return (
    <datalist id="zones">
      {Intl.supportedValuesOf("timeZone").map((zone) => (
        <option key={zone} value={zone}>
          {zone}
        </option>
      ))}
    </datalist>
  );
}
