-- Whether two texts name the same thing is told by keys of their own, which keep diacritics; *_fold stays for search
-- and order. Rows that are there get theirs when the database is next opened: the rules are in the program.
alter table contacts add column email_key text collate "C";
create index contacts_email_key on contacts (email_key);
alter table agents add column email_key text collate "C";
alter table agents add column username_key text collate "C";
create index agents_email_key on agents (email_key);
create index agents_username_key on agents (username_key);

-- What hardware says of itself, in one spelling; null for placeholders, and for addresses of several machines.
alter table assets add column serial_key text collate "C";
alter table assets add column mac_key text collate "C";
create index assets_serial_key on assets (serial_key);
create index assets_mac_key on assets (mac_key);

-- Words of what was said on tickets and what they are about, parted and folded by the program: what the engines take
-- for a word differs, and on PostgreSQL follows the locale.
alter table conversations add column words text collate "C";
alter table ticket_details add column words text collate "C";

-- The rules by which stored keys and words were computed; see the program.
create table key_rules (
    id bigint primary key,
    version bigint not null
);
insert into key_rules (id, version) values (1, 0);

drop index conversations_words;
drop index ticket_details_words;
drop function words_of(text);
create function word_list(text) returns tsvector language sql immutable parallel safe as $$
    select array_to_tsvector(string_to_array($1, ' '))
$$;
create index conversations_words on conversations using gin (word_list(words));
create index ticket_details_words on ticket_details using gin (word_list(words));
