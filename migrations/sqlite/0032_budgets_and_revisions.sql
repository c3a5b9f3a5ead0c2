-- How often a vendor's account was called of late, and what it is known to allow. Limits are account-wide, and
-- processes are many, beside each other and one after the other.
create table upstream_budgets (
    source text primary key not null,
    state text not null check (json_valid(state))
);

-- How often each table was changed, so that answers made of it need not be made again until it is.
create table revisions (
    kind text not null,
    slot integer not null,
    n integer not null,
    primary key (kind, slot)
) without rowid;
