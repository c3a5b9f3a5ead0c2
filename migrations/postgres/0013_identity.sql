-- Which database this is: a plan file is made for one. gen_random_uuid comes with version 13 only.
create table codex_database (
    id text primary key
);
insert into codex_database (id) values (md5(random()::text || clock_timestamp()::text || current_database()));
