-- Times are integer microseconds since 1970-01-01T00:00:00Z. Every tenant's row carries workspace_id, and every key
-- between tenant tables is (workspace_id, id), so that a row never points into another workspace.

create table workspaces (
    id integer primary key autoincrement,
    name text not null,
    -- whether people who are no friends may write, may ask, or may not
    strangers text not null check (strangers in ('write', 'ask', 'no')),
    -- what somebody who joins a group sees of what was said before
    group_history text not null check (group_history in ('joined', 'all')),
    -- the sum of its files
    stored_bytes integer not null default 0,
    created_at integer not null
) strict;

create table settings (
    name text primary key,
    value text not null
) strict, without rowid;

-- Which master keys have sealed anything here; the check value tells a wrong key before it does harm.
create table master_keys (
    id integer primary key autoincrement,
    check_value blob not null,
    created_at integer not null
) strict;

-- Names this database goes by in references to providers; a restore begins a new one.
create table epochs (
    name text primary key,
    first_message_id integer not null,
    created_at integer not null
) strict, without rowid;

create table api_keys (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    name text not null,
    hash blob not null,
    scopes text not null,
    created_at integer not null,
    expires_at integer,
    last_used_at integer,
    revoked_at integer,
    constraint api_keys_hash_key unique (hash)
) strict;

create table addresses (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    kind text not null check (kind in ('phone', 'email')),
    blind_index blob not null,
    key_id integer not null references master_keys (id),
    sealed blob not null,
    created_at integer not null,
    constraint addresses_workspace_id_id_key unique (workspace_id, id),
    constraint addresses_workspace_id_blind_index_key unique (workspace_id, blind_index)
) strict;

create table conversations (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    -- numbers: phones and mailboxes. direct and group: people of the workspace, among themselves
    kind text not null check (kind in ('numbers', 'direct', 'group')),
    name text,
    participants_key text not null,
    channels integer not null,
    message_count integer not null,
    unread_count integer not null,
    last_message_id integer,
    state text not null check (state in ('open', 'snoozed', 'closed')),
    snoozed_until integer,
    assignee_id integer,
    -- the inbound message that opened it again last
    opened_by_id integer,
    created_at integer not null,
    activity_at integer not null,
    constraint conversations_workspace_id_id_key unique (workspace_id, id),
    constraint conversations_workspace_id_participants_key_key unique (workspace_id, participants_key)
) strict;

create index conversations_activity_idx on conversations (workspace_id, activity_at, id);
create index conversations_state_idx on conversations (workspace_id, kind, state, activity_at, id);
create index conversations_unread_idx on conversations (workspace_id, state, activity_at, id) where unread_count > 0;
create index conversations_snoozed_idx on conversations (snoozed_until) where state = 'snoozed';
create index conversations_assignee_idx on conversations (workspace_id, assignee_id, state, activity_at, id)
    where assignee_id is not null;

create table participants (
    workspace_id integer not null,
    conversation_id integer not null,
    address_id integer not null,
    primary key (workspace_id, conversation_id, address_id),
    foreign key (workspace_id, conversation_id) references conversations (workspace_id, id),
    foreign key (workspace_id, address_id) references addresses (workspace_id, id)
) strict, without rowid;

create index participants_address_idx on participants (workspace_id, address_id, conversation_id);

create table messages (
    id integer primary key autoincrement,
    workspace_id integer not null,
    conversation_id integer not null,
    direction text not null check (direction in ('inbound', 'outbound')),
    channel text not null check (channel in ('sms', 'mms', 'email', 'chat')),
    -- absent in a chat, whose author is a user
    from_id integer check (from_id is not null or channel = 'chat'),
    author_id integer,
    -- the one person to whom a chat of two says it
    recipient_id integer,
    reply_to_id integer,
    subject text,
    body text not null,
    segment_count integer,
    segment_encoding text check (segment_encoding in ('GSM-7', 'UCS-2')),
    status text not null check (status in ('scheduled', 'queued', 'sending', 'accepted', 'sent', 'delivered', 'read',
        'undelivered', 'failed', 'bounced', 'rejected', 'unknown', 'dead', 'canceled', 'received')),
    status_reason text,
    is_final integer not null,
    possible_duplicate integer not null,
    policy text check (policy in ('balanced', 'no_duplicates', 'prefer_delivery')),
    generation integer not null,
    occurred_at integer not null,
    scheduled_at integer,
    deliver_by integer,
    edited_at integer,
    deleted_at integer,
    created_at integer not null,
    updated_at integer not null,
    constraint messages_workspace_id_id_key unique (workspace_id, id),
    foreign key (workspace_id, conversation_id) references conversations (workspace_id, id),
    foreign key (workspace_id, from_id) references addresses (workspace_id, id),
    foreign key (workspace_id, reply_to_id) references addresses (workspace_id, id)
) strict;

create index messages_thread_idx on messages (workspace_id, conversation_id, occurred_at, id);
create index messages_sent_texts_idx on messages (workspace_id, occurred_at, id)
    where direction = 'outbound' and channel in ('sms', 'mms');
create index messages_author_idx on messages (workspace_id, author_id, occurred_at, id) where recipient_id is not null;
create index messages_recipient_idx on messages (workspace_id, recipient_id, occurred_at, id)
    where recipient_id is not null;
create index messages_dead_idx on messages (workspace_id, updated_at, id) where status = 'dead';

create table recipients (
    workspace_id integer not null,
    message_id integer not null,
    position integer not null,
    kind text not null check (kind in ('to', 'cc')),
    address_id integer not null,
    -- absent: as the message; the provider has said nothing of this recipient
    status text,
    status_at integer,
    status_reason text,
    primary key (workspace_id, message_id, position),
    foreign key (workspace_id, message_id) references messages (workspace_id, id),
    foreign key (workspace_id, address_id) references addresses (workspace_id, id)
) strict, without rowid;

-- Uploaded files; their bytes are in the object store under object_key.
create table files (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    uploader text not null,
    object_key text not null,
    name text not null,
    media_type text not null,
    size_bytes integer not null,
    hash blob not null,
    created_at integer not null,
    -- since when no message carries it any more: the last that did was taken back
    released_at integer,
    constraint files_workspace_id_id_key unique (workspace_id, id)
) strict;

create table attachments (
    workspace_id integer not null,
    message_id integer not null,
    position integer not null,
    url text not null,
    -- one that was uploaded here
    file_id integer,
    primary key (workspace_id, message_id, position),
    foreign key (workspace_id, message_id) references messages (workspace_id, id),
    foreign key (workspace_id, file_id) references files (workspace_id, id)
) strict, without rowid;

create index attachments_file_idx on attachments (workspace_id, file_id) where file_id is not null;

-- Where customers are told of what happens. What is sealed is the URL and the secrets.
create table webhook_endpoints (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    key_id integer not null references master_keys (id),
    sealed blob not null,
    -- which events it wants
    events text not null,
    is_enabled integer not null,
    -- the log is read to there
    position integer not null,
    -- since when no attempt has succeeded
    failing_since integer,
    disabled_reason text,
    created_at integer not null,
    updated_at integer not null,
    constraint webhook_endpoints_workspace_id_id_key unique (workspace_id, id)
) strict;

create index webhook_endpoints_enabled_idx on webhook_endpoints (is_enabled, id);

-- One event on its way to one endpoint. What it says is made of the message or the conversation when it is sent.
create table webhook_deliveries (
    id integer primary key autoincrement,
    workspace_id integer not null,
    endpoint_id integer not null,
    -- its place in the log; absent: a ping
    event_id integer,
    -- what the endpoint knows it by, over every attempt and replay
    name text not null,
    kind text not null,
    conversation_id integer,
    message_id integer,
    -- a change of consent
    consent_id integer,
    -- when it happened
    at integer not null,
    state text not null check (state in ('waiting', 'succeeded', 'failed')),
    created_at integer not null,
    constraint webhook_deliveries_workspace_id_id_key unique (workspace_id, id),
    constraint webhook_deliveries_workspace_id_endpoint_id_event_id_key unique (workspace_id, endpoint_id, event_id),
    foreign key (workspace_id, endpoint_id) references webhook_endpoints (workspace_id, id) on delete cascade,
    foreign key (workspace_id, conversation_id) references conversations (workspace_id, id),
    foreign key (workspace_id, message_id) references messages (workspace_id, id)
) strict;

create index webhook_deliveries_endpoint_idx on webhook_deliveries (workspace_id, endpoint_id, id);
create index webhook_deliveries_time_idx on webhook_deliveries (workspace_id, endpoint_id, at, id);
create index webhook_deliveries_age_idx on webhook_deliveries (created_at);

create table webhook_attempts (
    workspace_id integer not null,
    delivery_id integer not null,
    number integer not null,
    started_at integer not null,
    ended_at integer,
    outcome text check (outcome in ('succeeded', 'failed', 'unknown')),
    status_code integer,
    -- how its answer begins, or why there was none; without addresses
    answer text,
    primary key (workspace_id, delivery_id, number),
    foreign key (workspace_id, delivery_id) references webhook_deliveries (workspace_id, id) on delete cascade
) strict, without rowid;

-- Work that must happen. One row a message, or a delivery of an event, for as long as anything may still be done for it:
-- send (due at due_at), sending (leased until due_at), lookup (unknown; asked again at due_at).
create table outbox (
    id integer primary key autoincrement,
    workspace_id integer not null,
    kind text not null check (kind in ('message', 'webhook')),
    phase text not null check (phase in ('send', 'sending', 'lookup')),
    provider text not null,
    lane integer not null,
    message_id integer,
    delivery_id integer,
    due_at integer not null,
    deadline integer not null,
    tries integer not null,
    lookups integer not null,
    fence integer not null,
    -- an earlier try may have been taken, and the next one is declared
    may_duplicate integer not null,
    -- an earlier try may have been taken, but the provider knows it by its key for as long as that lives
    doubt_under_key integer not null,
    first_tried_at integer,
    unknown_since integer,
    constraint outbox_workspace_id_message_id_key unique (workspace_id, message_id),
    constraint outbox_workspace_id_delivery_id_key unique (workspace_id, delivery_id),
    foreign key (workspace_id, message_id) references messages (workspace_id, id),
    foreign key (workspace_id, delivery_id) references webhook_deliveries (workspace_id, id) on delete cascade
) strict;

create index outbox_due_idx on outbox (phase, provider, lane, due_at, id);
create index outbox_lease_idx on outbox (due_at) where phase = 'sending';
create index outbox_deadline_idx on outbox (deadline) where phase <> 'sending';

create table attempts (
    workspace_id integer not null,
    message_id integer not null,
    number integer not null,
    generation integer not null,
    provider text not null,
    started_at integer not null,
    ended_at integer,
    outcome text check (outcome in ('accepted', 'retry', 'rejected', 'doubtful', 'unknown')),
    reference text,
    reason text,
    possible_duplicate integer not null,
    primary key (workspace_id, message_id, number),
    foreign key (workspace_id, message_id) references messages (workspace_id, id)
) strict, without rowid;

create index attempts_reference_idx on attempts (workspace_id, reference) where reference is not null;

create table message_events (
    id integer primary key autoincrement,
    workspace_id integer not null,
    message_id integer not null,
    kind text not null check (kind in ('status', 'callback', 'lookup', 'webhook', 'note')),
    at integer not null,
    data text not null,
    foreign key (workspace_id, message_id) references messages (workspace_id, id)
) strict;

create index message_events_message_idx on message_events (workspace_id, message_id, id);

-- Names that the outside gave to what it sent us, so that nothing is taken twice. No key holds them to their messages: a
-- name may stay longer, and while one waited for its message SQLite would look for it at every row stored in between.
create table inbound_events (
    workspace_id integer not null references workspaces (id),
    endpoint text not null,
    key_hash blob not null,
    fingerprint blob not null,
    message_id integer not null,
    received_at integer not null,
    primary key (workspace_id, endpoint, key_hash)
) strict, without rowid;

create table idempotency_keys (
    workspace_id integer not null references workspaces (id),
    caller text not null,
    key_hash blob not null,
    fingerprint blob not null,
    key_id integer not null references master_keys (id),
    sealed blob not null,
    created_at integer not null,
    primary key (workspace_id, caller, key_hash)
) strict, without rowid;

create index idempotency_keys_age_idx on idempotency_keys (created_at);

create table quarantine (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    received_at integer not null,
    path text not null,
    reason text not null,
    key_id integer not null references master_keys (id),
    sealed blob not null,
    parked blob,
    match_hash blob
) strict;

create index quarantine_age_idx on quarantine (workspace_id, received_at, id);
create index quarantine_match_idx on quarantine (workspace_id, match_hash) where match_hash is not null;

create table sender_usage (
    workspace_id integer not null,
    address_id integer not null,
    minute integer not null,
    used integer not null,
    primary key (workspace_id, address_id, minute),
    foreign key (workspace_id, address_id) references addresses (workspace_id, id)
) strict, without rowid;

-- The append-only log that feeds search, browsers and webhooks. Ids come into sight in their own order.
create table events (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    kind text not null,
    conversation_id integer,
    message_id integer,
    data text not null,
    at integer not null
) strict;

create index events_workspace_idx on events (workspace_id, id);

create virtual table message_search using fts5 (
    subject, body, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
);
