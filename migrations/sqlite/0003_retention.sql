-- What is kept for a while only is found by its age.
create index inbound_events_age_idx on inbound_events (received_at);
create index sender_usage_age_idx on sender_usage (minute);
create index audit_log_anonymous_age_idx on audit_log (at) where actor = 'anonymous';
create index sessions_seen_idx on sessions (seen_at);
create index files_released_idx on files (released_at, id) where released_at is not null;
