-- One person with several addresses.
create table contacts (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    name text not null,
    -- what the team knows of them
    notes text,
    created_at integer not null,
    updated_at integer not null,
    constraint contacts_workspace_id_id_key unique (workspace_id, id)
) strict;

-- The words of their names in lower case, by whose beginnings contacts are found.
create table contact_words (
    workspace_id integer not null,
    word text not null,
    contact_id integer not null,
    primary key (workspace_id, word, contact_id),
    foreign key (workspace_id, contact_id) references contacts (workspace_id, id) on delete cascade
) strict, without rowid;

create index contact_words_contact_idx on contact_words (workspace_id, contact_id);

-- An address is one person's at most.
create table contact_addresses (
    workspace_id integer not null,
    address_id integer not null,
    contact_id integer not null,
    created_at integer not null,
    primary key (workspace_id, address_id),
    foreign key (workspace_id, address_id) references addresses (workspace_id, id),
    foreign key (workspace_id, contact_id) references contacts (workspace_id, id)
) strict, without rowid;

create index contact_addresses_contact_idx on contact_addresses (workspace_id, contact_id, address_id);

-- Which conversations were ever shown in a joined one, so that what was read there is found there.
create table conversation_parts (
    workspace_id integer not null,
    conversation_id integer not null,
    part_id integer not null,
    primary key (workspace_id, conversation_id, part_id),
    foreign key (workspace_id, conversation_id) references conversations (workspace_id, id),
    foreign key (workspace_id, part_id) references conversations (workspace_id, id)
) strict, without rowid;

create index conversation_parts_part_idx on conversation_parts (workspace_id, part_id);

-- With whom, where that is one contact; a joined conversation has the key 'contact:<id>'.
alter table conversations add column contact_id integer;
-- The conversation in which this one is shown; absent: it is shown itself.
alter table conversations add column joined_to integer;

create index conversations_contact_idx on conversations (workspace_id, contact_id) where contact_id is not null;
create index conversations_joined_idx on conversations (workspace_id, joined_to) where joined_to is not null;

-- The lists walk what is shown.
drop index conversations_activity_idx;
drop index conversations_state_idx;
drop index conversations_unread_idx;
create index conversations_activity_idx on conversations (workspace_id, activity_at, id) where joined_to is null;
create index conversations_state_idx on conversations (workspace_id, kind, state, activity_at, id)
    where joined_to is null;
create index conversations_unread_idx on conversations (workspace_id, state, activity_at, id)
    where unread_count > 0 and joined_to is null;

insert into sqlite_stat1 (tbl, idx, stat) values
    ('contacts', 'sqlite_autoindex_contacts_1', '1000000 100000 1 noskipscan'),
    ('contact_words', 'contact_words', '1000000 100000 20 1 noskipscan'),
    ('contact_words', 'contact_words_contact_idx', '1000000 100000 2 noskipscan'),
    ('contact_addresses', 'contact_addresses', '1000000 100000 1 noskipscan'),
    ('contact_addresses', 'contact_addresses_contact_idx', '1000000 100000 2 1 noskipscan'),
    ('conversation_parts', 'conversation_parts', '1000000 100000 3 1 noskipscan'),
    ('conversation_parts', 'conversation_parts_part_idx', '1000000 100000 1 noskipscan'),
    ('conversations', 'conversations_contact_idx', '500000 50000 3 noskipscan'),
    ('conversations', 'conversations_joined_idx', '500000 50000 3 noskipscan'),
    ('conversations', 'conversations_activity_idx', '1000000 100000 1 1 noskipscan'),
    ('conversations', 'conversations_state_idx', '1000000 100000 100000 50000 1 1 noskipscan'),
    ('conversations', 'conversations_unread_idx', '50000 5000 5000 1 1 noskipscan');

analyze sqlite_schema;
