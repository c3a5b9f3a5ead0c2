-- The people who log in, as Keycloak knows them, with what they prefer. Neither name nor e-mail address is a
-- key: people change both, share addresses, and some have none. A removed user stays, disabled.
create table agents (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    keycloak_id text not null,
    username text not null,
    email text,
    first_name text,
    last_name text,
    enabled boolean,
    theme_preference text,
    preferred_color_theme text,
    knowledgetree_view_preference text,
    home_page_preference text,
    username_fold text not null,
    email_fold text
);
create unique index agents_keycloak_id on agents (keycloak_id) where deleted_at is null;
create index agents_order on agents (username_fold, id);
create index agents_email on agents (email_fold);
