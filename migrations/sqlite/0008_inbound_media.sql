-- Attachments that came in and are still at the service: each until it is fetched or given up. Who holds one holds it
-- until it is due again, under its number.
create table inbound_media (
    id integer primary key autoincrement,
    workspace_id integer not null,
    message_id integer not null,
    -- its place among the attachments
    position integer not null,
    -- whose credentials open it
    provider text not null,
    due_at integer not null,
    -- somebody has it, until it is due again
    is_held integer not null,
    tries integer not null,
    fence integer not null,
    constraint inbound_media_workspace_id_message_id_position_key unique (workspace_id, message_id, position),
    foreign key (workspace_id, message_id, position) references attachments (workspace_id, message_id, position)
        on delete cascade
) strict;

create index inbound_media_due_idx on inbound_media (due_at, id);

insert into sqlite_stat1 (tbl, idx, stat) values
    ('inbound_media', 'sqlite_autoindex_inbound_media_1', '1000000 100000 2 1 noskipscan'),
    ('inbound_media', 'inbound_media_due_idx', '1000000 2 1 noskipscan');

analyze sqlite_schema;
