-- Words with a colour that staff put on records. name_key tells whether two names are the same.
create table tags (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    name text not null,
    colour text,
    name_fold text not null,
    name_key text not null
);
create unique index tags_name on tags (name_key) where deleted_at is null;

-- Which records have a tag: companies, contacts and assets by kind and row id. A link stays while its tag or its record
-- is deleted, so that a restored one has it again.
create table record_tags (
    tag_id bigint not null references tags (id),
    kind text not null,
    record_id bigint not null,
    created_at text not null,
    created_by text not null,
    primary key (kind, record_id, tag_id)
) without rowid;
create index record_tags_tag on record_tags (tag_id);
