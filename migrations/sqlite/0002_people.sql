-- People: accounts, what they may do, how they write to each other, and how a team answers.

-- The server's own workspace: its messages are codes and notices, and no finder of a person or a key reaches it.
insert into workspaces (id, name, strangers, group_history, created_at) values (0, 'accounts', 'no', 'joined', 0);

create table users (
    id integer primary key autoincrement,
    username text not null,
    -- the username in lower case
    handle text not null,
    first_name text not null,
    last_name text not null,
    -- addresses of the server's own workspace
    email_id integer not null,
    mobile_id integer not null,
    pending_email_id integer,
    password_hash text not null,
    created_at integer not null,
    modified_at integer not null,
    mobile_verified_at integer,
    email_verified_at integer,
    failures integer not null,
    locked_at integer,
    totp_key_id integer references master_keys (id),
    totp_sealed blob,
    totp_since integer,
    totp_last_step integer,
    constraint users_handle_key unique (handle),
    constraint users_email_id_key unique (email_id),
    constraint users_mobile_id_key unique (mobile_id)
) strict;

create index users_unverified_idx on users (created_at) where mobile_verified_at is null;
create index users_pending_email_idx on users (pending_email_id) where pending_email_id is not null;

create table memberships (
    workspace_id integer not null references workspaces (id),
    user_id integer not null references users (id) on delete cascade,
    role text not null check (role in ('admin', 'agent', 'member')),
    created_at integer not null,
    primary key (workspace_id, user_id)
) strict, without rowid;

create index memberships_user_idx on memberships (user_id, workspace_id);

-- An opaque token's SHA-256 finds its row. Pending until a code was right.
create table sessions (
    id integer primary key autoincrement,
    user_id integer not null references users (id) on delete cascade,
    workspace_id integer references workspaces (id),
    purpose text not null check (purpose in ('sign_in', 'recovery')),
    token_hash blob not null,
    client text not null,
    created_at integer not null,
    seen_at integer not null,
    ends_at integer not null,
    verified_at integer,
    -- when a code was right last
    code_right_at integer,
    -- a code for change_password was right, and allows one change until then
    password_change_until integer,
    constraint sessions_token_hash_key unique (token_hash)
) strict;

create index sessions_user_idx on sessions (user_id);
create index sessions_end_idx on sessions (ends_at);

-- One code a session and purpose: a new one takes the place of the old.
create table codes (
    session_id integer not null references sessions (id) on delete cascade,
    purpose text not null check (purpose in ('login', 'change_password', 'change_profile', 'recovery')),
    hash blob not null,
    created_at integer not null,
    expires_at integer not null,
    tries integer not null,
    used_at integer,
    primary key (session_id, purpose)
) strict, without rowid;

-- Proofs of an email address: the link's secret as its SHA-256.
create table mail_tokens (
    hash blob primary key not null,
    user_id integer not null references users (id) on delete cascade,
    purpose text not null check (purpose in ('confirm_email', 'recovery')),
    address_id integer not null,
    session_id integer references sessions (id) on delete cascade,
    created_at integer not null,
    expires_at integer not null,
    used_at integer
) strict, without rowid;

create index mail_tokens_user_idx on mail_tokens (user_id);
create index mail_tokens_session_idx on mail_tokens (session_id) where session_id is not null;
create index mail_tokens_end_idx on mail_tokens (expires_at);

create table recovery_codes (
    user_id integer not null references users (id) on delete cascade,
    hash blob not null,
    used_at integer,
    primary key (user_id, hash)
) strict, without rowid;

-- What stands in the place of '{secret}' in a message's body while it is carried, and nowhere else.
create table message_secrets (
    workspace_id integer not null,
    message_id integer not null,
    key_id integer not null references master_keys (id),
    sealed blob not null,
    primary key (workspace_id, message_id),
    foreign key (workspace_id, message_id) references messages (workspace_id, id)
) strict, without rowid;

create table invitations (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    token_hash blob not null,
    role text not null check (role in ('admin', 'agent', 'member')),
    key_id integer not null references master_keys (id),
    -- the address it was sent to
    sealed blob not null,
    invited_by text not null,
    created_at integer not null,
    expires_at integer not null,
    accepted_at integer,
    accepted_by integer references users (id) on delete set null,
    revoked_at integer,
    constraint invitations_token_hash_key unique (token_hash)
) strict;

create index invitations_workspace_idx on invitations (workspace_id, id);
create index invitations_accepted_by_idx on invitations (accepted_by) where accepted_by is not null;

-- Who did what to accounts, keys and settings. People and keys stand here by id.
create table audit_log (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    actor text not null,
    action text not null,
    target text not null,
    data text not null,
    at integer not null
) strict;

create index audit_log_workspace_idx on audit_log (workspace_id, id);

-- How much of a limit is used in a period, shared by every server process.
create table budgets (
    name text not null,
    key_hash blob not null,
    period integer not null,
    used integer not null,
    ends_at integer not null,
    primary key (name, key_hash, period)
) strict, without rowid;

create index budgets_end_idx on budgets (ends_at);

-- Who takes part in a conversation of people, and how far they have come.
create table members (
    workspace_id integer not null,
    conversation_id integer not null,
    user_id integer not null,
    role text not null check (role in ('owner', 'member')),
    joined_at integer not null,
    -- a stranger's conversation is a request until then
    accepted_at integer,
    left_at integer,
    -- nothing before this message is shown
    first_message_id integer not null,
    -- how many stand before it
    hidden_count integer not null,
    last_read_id integer not null,
    unread_count integer not null,
    primary key (workspace_id, conversation_id, user_id),
    foreign key (workspace_id, conversation_id) references conversations (workspace_id, id),
    foreign key (workspace_id, user_id) references memberships (workspace_id, user_id) on delete cascade
) strict, without rowid;

create index members_user_idx on members (workspace_id, user_id, conversation_id);

-- One row a person and message of a conversation of people, its author aside.
create table receipts (
    workspace_id integer not null,
    message_id integer not null,
    conversation_id integer not null,
    user_id integer not null,
    delivered_at integer,
    read_at integer,
    primary key (workspace_id, message_id, user_id),
    foreign key (workspace_id, message_id) references messages (workspace_id, id),
    foreign key (user_id) references users (id) on delete cascade
) strict, without rowid;

create index receipts_user_idx on receipts (user_id);
create index receipts_unread_idx on receipts (workspace_id, user_id, conversation_id, message_id) where read_at is null;
create index receipts_waiting_idx on receipts (workspace_id, user_id, message_id) where delivered_at is null;

create table reactions (
    workspace_id integer not null,
    message_id integer not null,
    user_id integer not null references users (id) on delete cascade,
    emoji text not null,
    at integer not null,
    primary key (workspace_id, message_id, user_id, emoji),
    foreign key (workspace_id, message_id) references messages (workspace_id, id)
) strict, without rowid;

create index reactions_user_idx on reactions (user_id);

-- What a message said before it was edited.
create table message_edits (
    workspace_id integer not null,
    message_id integer not null,
    number integer not null,
    body text not null,
    replaced_at integer not null,
    primary key (workspace_id, message_id, number),
    foreign key (workspace_id, message_id) references messages (workspace_id, id)
) strict, without rowid;

-- asked: user asks other. friends: both ways. blocked: user wants nothing of other.
create table friendships (
    workspace_id integer not null,
    user_id integer not null,
    other_id integer not null,
    state text not null check (state in ('asked', 'friends', 'blocked')),
    created_at integer not null,
    primary key (workspace_id, user_id, other_id),
    foreign key (workspace_id, user_id) references memberships (workspace_id, user_id) on delete cascade,
    foreign key (workspace_id, other_id) references memberships (workspace_id, user_id) on delete cascade
) strict, without rowid;

create index friendships_other_idx on friendships (workspace_id, other_id, user_id);

-- Internal: no path that sends reads this table.
create table notes (
    id integer primary key autoincrement,
    workspace_id integer not null,
    conversation_id integer not null,
    author text not null,
    body text not null,
    created_at integer not null,
    foreign key (workspace_id, conversation_id) references conversations (workspace_id, id)
) strict;

create index notes_conversation_idx on notes (workspace_id, conversation_id, id);

create table labels (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    name text not null,
    created_at integer not null,
    constraint labels_workspace_id_id_key unique (workspace_id, id),
    constraint labels_workspace_id_name_key unique (workspace_id, name)
) strict;

create table conversation_labels (
    workspace_id integer not null,
    conversation_id integer not null,
    label_id integer not null,
    primary key (workspace_id, conversation_id, label_id),
    foreign key (workspace_id, conversation_id) references conversations (workspace_id, id),
    foreign key (workspace_id, label_id) references labels (workspace_id, id) on delete cascade
) strict, without rowid;

create index conversation_labels_label_idx on conversation_labels (workspace_id, label_id, conversation_id);

create table saved_replies (
    id integer primary key autoincrement,
    workspace_id integer not null references workspaces (id),
    name text not null,
    body text not null,
    created_at integer not null,
    updated_at integer not null,
    constraint saved_replies_workspace_id_name_key unique (workspace_id, name)
) strict;

-- Who did what to a conversation.
create table conversation_acts (
    id integer primary key autoincrement,
    workspace_id integer not null,
    conversation_id integer not null,
    actor text not null,
    kind text not null,
    data text not null,
    at integer not null,
    foreign key (workspace_id, conversation_id) references conversations (workspace_id, id)
) strict;

create index conversation_acts_conversation_idx on conversation_acts (workspace_id, conversation_id, id);
