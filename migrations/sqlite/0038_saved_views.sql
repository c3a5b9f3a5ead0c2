-- Views: the query of a list under a name, for one person, for all staff, or as what a role sees first. default_key is
-- null unless the view is the default of a role: a role has one default for each list.
create table saved_views (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    name text not null,
    resource text not null,
    query text not null,
    audience text not null,
    role text,
    owner text not null,
    name_fold text not null,
    default_key text
);
create unique index saved_views_default on saved_views (default_key) where deleted_at is null;
create index saved_views_resource on saved_views (resource, name_fold) where deleted_at is null;
