-- The import of the former service's database: a database takes one. state is running, imported, differs or verified;
-- accepted holds the codes of the warnings that a person accepted,
-- comparison the result of the last verification, change_id the newest entry of the change log when it was done.
create table imports (
    id text primary key,
    source text not null,
    layout text not null,
    time_zone text,
    accepted jsonb not null,
    state text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    compared_at timestamptz,
    comparison jsonb,
    change_id bigint
);

-- How far the import of a table is: the key of the last row that was written, and its counts. Moves in the
-- transaction of the rows that it stands for.
create table import_tables (
    name text collate "C" primary key,
    after text,
    done boolean not null,
    report jsonb not null
);

-- By what sources find imported records when they first state them: ids at the source, parts of links, host names.
create table import_keys (
    kind text collate "C" not null,
    key text collate "C" not null,
    record_id bigint not null,
    primary key (kind, key, record_id)
);

-- Ids up to which a table's ids are never given again, because another system may still store them.
create table id_floors (
    table_name text primary key,
    id bigint not null
);
