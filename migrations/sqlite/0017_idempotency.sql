-- Calls that are made once whatever happens on the way: who called with which key, and what the answer was.
-- status is null while nobody knows the answer.
create table idempotency_keys (
    actor text not null,
    key text not null,
    request text not null,
    begun_at text not null,
    status bigint,
    content_type text,
    body blob,
    primary key (actor, key)
);
create index idempotency_keys_age on idempotency_keys (begun_at);
