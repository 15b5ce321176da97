-- How mails hang together, by the names that they give each other (RFC 5322, section 3.6.4).
create table mails (
    workspace_id bigint not null,
    message_id bigint not null,
    -- the Message-ID of one that came in; those that we send are known by their reference
    name text,
    -- what a mail that answers this one, or goes on after it, refers to: names without brackets, the oldest first
    thread text not null,
    primary key (workspace_id, message_id),
    foreign key (workspace_id, message_id) references messages (workspace_id, id) on delete cascade
);

create index mails_name_idx on mails (workspace_id, name) where name is not null;

-- By what the HTML of a mail that came in names a file of its own.
alter table attachments add column content_id text;
