-- Who asked a job to stop; the process that runs it looks from time to time.
alter table sync_jobs add column cancel_requested_by text;
create index sync_jobs_started on sync_jobs (started_at);

-- Deletions that wait for a person: too large a part of a scope vanished at once. Made anew, as every run
-- finds them again: now with a state, an end and who decided.
drop table sync_holds;
create table sync_holds (
    id text primary key not null,
    source text not null,
    kind text not null,
    scope text not null,
    status text not null,
    missing bigint not null,
    total bigint not null,
    external_ids text not null check (json_valid(external_ids)),
    held_at text not null,
    expires_at text not null,
    job_id text not null,
    decided_at text,
    decided_by text
);
create index sync_holds_scope on sync_holds (source, kind, scope);
create index sync_holds_newest on sync_holds (held_at);
