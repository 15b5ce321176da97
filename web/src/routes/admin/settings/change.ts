/** What was changed in the form of the settings. */
import type { Schemas } from "../../../api/client";

export type Settings = Schemas["Workspace"];

/** What the form holds; quiet hours that are off keep their times, so that they can be put on again. */
export interface SettingsFields {
  name: string;
  strangers: Settings["strangers"];
  group_history: Settings["group_history"];
  help_text: string;
  isQuiet: boolean;
  from: string;
  until: string;
  zone: string;
}

export function fieldsOf(settings: Settings, ownZone: string): SettingsFields {
  const { name, strangers, group_history, help_text, quiet_hours } = settings;
  const hours = quiet_hours ?? { from: "21:00", until: "08:00", zone: ownZone };
  return { name, strangers, group_history, help_text: help_text ?? "", isQuiet: Boolean(quiet_hours), ...hours };
}

/** Only what differs is sent, so that two people who change different things do not undo each other. */
export function changesOf(before: SettingsFields, now: SettingsFields): Schemas["SettingsRequest"] {
  const change: Schemas["SettingsRequest"] = {};
  if (now.name !== before.name) change.name = now.name;
  if (now.strangers !== before.strangers) change.strangers = now.strangers;
  if (now.group_history !== before.group_history) change.group_history = now.group_history;
  if (now.help_text !== before.help_text) change.help_text = now.help_text;
  if (now.isQuiet && (!before.isQuiet || now.from !== before.from || now.until !== before.until || now.zone !== before.zone)) {
    change.quiet_hours = { from: now.from, until: now.until, zone: now.zone };
  }
  if (!now.isQuiet && before.isQuiet) change.quiet_hours = null;
  return change;
}
