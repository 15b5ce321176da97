/** What the list shows: quick choices, the rest in a menu, and what is set as chips that can be taken away. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ListFilter, X } from "lucide-react";
import type { Schemas } from "../../../api/client";
import { labelsQuery } from "../../../api/conversations";
import { IconButton } from "../../../parts/button";
import { channelName } from "../../../parts/channel-mark";
import { Menu, MenuChoices, MenuItem, MenuSeparator } from "../../../parts/menu";
import { isAgent, useSession } from "../../../state/session";
import type { InboxSearch } from "../search";
import { countFilters } from "./query";

const ANY = "any";
const STATES = [
  { value: ANY, label: "Any state" },
  { value: "open", label: "Open" },
  { value: "snoozed", label: "Snoozed" },
  { value: "closed", label: "Closed" },
] as const;
const CHANNELS = [
  { value: ANY, label: "Any channel" },
  { value: "sms", label: "SMS" },
  { value: "mms", label: "MMS" },
  { value: "email", label: "Email" },
  { value: "chat", label: "Chat" },
] as const;

type Filters = Omit<InboxSearch, "q">;

function useFilters(): [Filters, (change: Filters) => void] {
  const { q: _q, ...filters } = useSearch({ from: "/inside/inbox" });
  const navigate = useNavigate();
  const change = (changed: Filters) =>
    void navigate({
      to: ".",
      replace: true,
      search: (before) => Object.fromEntries(Object.entries({ ...before, ...changed }).filter(([, value]) => value !== undefined)),
    });
  return [filters, change];
}

export function Filters() {
  const [filters, change] = useFilters();
  const session = useSession();
  const isTeam = isAgent(session);
  const labels = useQuery({ ...labelsQuery, enabled: isTeam }).data ?? [];
  const set = countFilters(filters);
  return (
    <div className="flex flex-col gap-1.5">
      <div className="flex items-center gap-1">
        <div role="group" aria-label="Quick filters" className="flex min-w-0 flex-1 gap-1 overflow-x-auto p-0.5">
          <Chip isOn={set === 0} onSelect={() => change({ channel: undefined, state: undefined, assignee: undefined, label: undefined, unread: undefined })}>
            All
          </Chip>
          <Chip isOn={filters.unread === true} onSelect={() => change({ unread: filters.unread ? undefined : true })}>
            Unread
          </Chip>
          {isTeam && session.kind === "user" && (
            <Chip isOn={filters.assignee === "me"} onSelect={() => change({ assignee: filters.assignee === "me" ? undefined : "me" })}>
              Mine
            </Chip>
          )}
          {isTeam && (
            <Chip isOn={filters.assignee === "none"} onSelect={() => change({ assignee: filters.assignee === "none" ? undefined : "none" })}>
              Unassigned
            </Chip>
          )}
        </div>
        {isTeam && (
          <Menu trigger={<IconButton icon={ListFilter} label="More filters" />}>
            <MenuChoices label="State" value={filters.state ?? ANY} options={STATES} onChange={(value) => change({ state: value === ANY ? undefined : value })} />
            <MenuSeparator />
            <MenuChoices label="Channel" value={filters.channel ?? ANY} options={CHANNELS} onChange={(value) => change({ channel: value === ANY ? undefined : value })} />
            {labels.length > 0 && (
              <>
                <MenuSeparator />
                <MenuChoices
                  label="Label"
                  value={filters.label === undefined ? ANY : String(filters.label)}
                  options={[{ value: ANY, label: "Any label" }, ...labels.map((label) => ({ value: String(label.id), label: label.name }))]}
                  onChange={(value) => change({ label: value === ANY ? undefined : Number(value) })}
                />
              </>
            )}
            {set > 0 && (
              <>
                <MenuSeparator />
                <MenuItem icon={X} onSelect={() => change({ channel: undefined, state: undefined, assignee: undefined, label: undefined, unread: undefined })}>
                  Clear all filters
                </MenuItem>
              </>
            )}
          </Menu>
        )}
      </div>
      <SetFilters filters={filters} labels={labels} onChange={change} />
    </div>
  );
}

function SetFilters({ filters, labels, onChange }: { filters: Filters; labels: Schemas["Label"][]; onChange: (change: Filters) => void }) {
  const { state, channel, label, assignee } = filters;
  const set: [string, Filters][] = [];
  if (state) set.push([STATES.find(({ value }) => value === state)?.label ?? state, { state: undefined }]);
  if (channel) set.push([channelName(channel), { channel: undefined }]);
  if (label) set.push([labels.find(({ id }) => id === label)?.name ?? `Label ${label}`, { label: undefined }]);
  if (assignee && assignee !== "me" && assignee !== "none") set.push([`Answered by ${assignee}`, { assignee: undefined }]);
  if (set.length === 0) return null;
  return (
    <ul aria-label="Filters that are set" className="flex flex-wrap gap-1">
      {set.map(([name, without]) => (
        <li key={name} className="max-w-full">
          <button
            type="button"
            aria-label={`Remove the filter ${name}`}
            onClick={() => onChange(without)}
            className="inline-flex min-h-10 max-w-full items-center gap-1 rounded-full bg-accent-soft ps-2.5 pe-2 text-xs font-medium text-accent hover:bg-hover sm:min-h-6"
          >
            <bdi className="truncate">{name}</bdi>
            <X aria-hidden="true" className="size-3 shrink-0" />
          </button>
        </li>
      ))}
    </ul>
  );
}

function Chip({ isOn, onSelect, children }: { isOn: boolean; onSelect: () => void; children: string }) {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      onClick={onSelect}
      className="inline-flex min-h-10 shrink-0 items-center rounded-full px-3 text-[0.8125rem] font-medium text-ink-muted hover:bg-hover hover:text-ink aria-pressed:bg-accent-soft aria-pressed:text-accent sm:min-h-7 sm:px-2.5"
    >
      {children}
    </button>
  );
}
