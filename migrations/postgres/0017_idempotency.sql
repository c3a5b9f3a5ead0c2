-- As on SQLite; text that is ordered or compared with keys is collate "C".
-- Calls that are made once whatever happens on the way: who called with which key, and what the answer was.
-- status is null while nobody knows the answer.
create table idempotency_keys (
    actor text collate "C" not null,
    key text collate "C" not null,
    request text collate "C" not null,
    begun_at timestamptz not null,
    status bigint,
    content_type text,
    body bytea,
    primary key (actor, key)
);
create index idempotency_keys_age on idempotency_keys (begun_at);
