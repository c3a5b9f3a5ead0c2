-- Two records that may be one: record_a is the older. A person merges or rejects them; decided ones stay, so that a
-- rejected pair is not proposed again.
create table duplicate_candidates (
    id integer primary key not null,
    kind text not null,
    record_a bigint not null,
    record_b bigint not null,
    score bigint not null,
    evidence text not null check (json_valid(evidence)),
    state text not null,
    first_seen text not null,
    decided_by text,
    decided_at text,
    kept bigint
);
create unique index duplicate_candidates_pair on duplicate_candidates (kind, record_a, record_b);
create index duplicate_candidates_newer on duplicate_candidates (kind, record_b);
