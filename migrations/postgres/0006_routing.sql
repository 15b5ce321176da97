-- The providers that may carry a message, with commas between them, in the order in which they are tried; empty when it
-- is one alone.
alter table outbox add column route text not null default '';
-- How often each of them was tried, and until when it is left alone.
alter table outbox add column trail jsonb;
-- In which order messages go that are of one conversation.
alter table outbox add column conversation_id bigint;

create index outbox_route_idx on outbox (provider, route, lane, due_at, id) where phase = 'send' and route <> '';
create index outbox_thread_idx on outbox (workspace_id, conversation_id, id) where phase = 'send' and route <> '';

-- Providers that an admin holds back. They are named in the configuration, and stay held back when they are gone from it.
create table provider_pauses (
    provider text not null primary key,
    paused_by text not null,
    paused_at timestamptz not null
);
