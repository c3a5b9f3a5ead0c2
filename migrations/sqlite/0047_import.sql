-- The import of the former service's database: a database takes one. state is running, imported, differs or verified;
-- accepted holds the codes of the warnings that a person accepted,
-- comparison the result of the last verification, change_id the newest entry of the change log when it was done.
create table imports (
    id text primary key not null,
    source text not null,
    layout text not null,
    time_zone text,
    accepted text not null check (json_valid(accepted)),
    state text not null,
    started_at text not null,
    finished_at text,
    compared_at text,
    comparison text check (comparison is null or json_valid(comparison)),
    change_id bigint
);

-- How far the import of a table is: the key of the last row that was written, and its counts. Moves in the
-- transaction of the rows that it stands for.
create table import_tables (
    name text primary key not null,
    after text,
    done boolean not null,
    report text not null check (json_valid(report))
);

-- By what sources find imported records when they first state them: ids at the source, parts of links, host names.
create table import_keys (
    kind text not null,
    key text not null,
    record_id bigint not null,
    primary key (kind, key, record_id)
) without rowid;

-- Ids up to which a table's ids are never given again, because another system may still store them.
create table id_floors (
    table_name text primary key not null,
    id bigint not null
);
