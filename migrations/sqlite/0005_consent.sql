-- Whether an address is written to on a channel. Every change is a row with its evidence; the newest counts.
create table consents (
    id integer primary key autoincrement,
    workspace_id integer not null,
    address_id integer not null,
    -- sms stands for mms too
    channel text not null check (channel in ('sms', 'email')),
    state text not null check (state in ('opted_in', 'opted_out')),
    source text not null check (source in ('keyword', 'one_click', 'bounce', 'complaint', 'provider', 'api')),
    actor text not null,
    -- what shows it, by ids and words; no address
    evidence text not null,
    at integer not null,
    foreign key (workspace_id, address_id) references addresses (workspace_id, id)
) strict;

create index consents_address_idx on consents (workspace_id, address_id, id);
create index consents_workspace_idx on consents (workspace_id, id);

-- Who gets nothing now, by those rows: what is looked at when a message is handed to a sender.
create table opt_outs (
    workspace_id integer not null,
    address_id integer not null,
    channel text not null check (channel in ('sms', 'email')),
    primary key (workspace_id, address_id, channel),
    foreign key (workspace_id, address_id) references addresses (workspace_id, id)
) strict, without rowid;

-- What is answered to somebody who asks for help; absent: nothing.
alter table workspaces add column help_text text;
-- When texts wait for the morning; absent: never.
alter table workspaces add column quiet_hours text;

insert into sqlite_stat1 (tbl, idx, stat) values
    ('consents', 'consents_address_idx', '1000000 100000 2 1 noskipscan'),
    ('consents', 'consents_workspace_idx', '1000000 100000 1 noskipscan'),
    ('opt_outs', 'opt_outs', '1000000 100000 1 1 noskipscan');

analyze sqlite_schema;
