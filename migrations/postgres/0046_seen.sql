-- When each person last looked at a record: pages mark what has changed since. Of a person the newest looks are kept.
create table seen (
    actor text collate "C" not null,
    kind text collate "C" not null,
    record_id bigint not null,
    seen_at timestamptz not null,
    primary key (actor, kind, record_id)
);
create index seen_newest on seen (actor, seen_at);
create index seen_oldest on seen (seen_at);
