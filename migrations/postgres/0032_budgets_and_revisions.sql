-- How often a vendor's account was called of late, and what it is known to allow. Limits are account-wide, and
-- processes are many, beside each other and one after the other.
create table upstream_budgets (
    source text primary key not null,
    state jsonb not null
);

-- How often each table was changed, so that answers made of it need not be made again until it is. The number of a
-- table is the sum of its slots: a transaction takes a slot that no other holds, so that nobody waits for anybody.
create table revisions (
    kind text collate "C" not null,
    slot bigint not null,
    n bigint not null,
    primary key (kind, slot)
);
