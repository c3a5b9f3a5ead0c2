-- What came of the single transactions of a call with a key, each kept in its own transaction: a call that was cut
-- goes on behind the last of them, and nothing is done twice. They go when the answer is kept.
create table idempotency_steps (
    actor text not null,
    key text not null,
    step bigint not null,
    begun_at text not null,
    result text,
    primary key (actor, key, step)
);
create index idempotency_steps_age on idempotency_steps (begun_at);
