-- Which database this is: a plan file is made for one.
create table codex_database (
    id text primary key not null
);
insert into codex_database (id) values (lower(hex(randomblob(16))));
