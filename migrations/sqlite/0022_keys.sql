-- Whether two texts name the same thing is told by keys of their own, which keep diacritics; *_fold stays for search
-- and order. Rows that are there get theirs when the database is next opened: the rules are in the program.
alter table contacts add column email_key text;
create index contacts_email_key on contacts (email_key);
alter table agents add column email_key text;
alter table agents add column username_key text;
create index agents_email_key on agents (email_key);
create index agents_username_key on agents (username_key);

-- What hardware says of itself, in one spelling; null for placeholders, and for addresses of several machines.
alter table assets add column serial_key text;
alter table assets add column mac_key text;
create index assets_serial_key on assets (serial_key);
create index assets_mac_key on assets (mac_key);

-- Words of what was said on tickets and what they are about, parted and folded by the program: what the engines take
-- for a word differs.
alter table conversations add column words text;
alter table ticket_details add column words text;

-- The rules by which stored keys and words were computed; see the program.
create table key_rules (
    id bigint primary key not null,
    version bigint not null
);
insert into key_rules (id, version) values (1, 0);

drop trigger conversations_said;
drop trigger conversations_unsaid;
drop trigger conversations_resaid;
drop trigger ticket_details_described;
drop trigger ticket_details_undescribed;
drop trigger ticket_details_redescribed;
drop table search_words;
drop table search_descriptions;
-- Nothing but the spaces between words parts them here.
create virtual table search_words using fts5 (
    words, content = 'conversations', content_rowid = 'id', detail = 'none', columnsize = 0,
    tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
create trigger conversations_said after insert on conversations begin
    insert into search_words (rowid, words) values (new.id, new.words);
end;
create trigger conversations_unsaid after delete on conversations begin
    insert into search_words (search_words, rowid, words) values ('delete', old.id, old.words);
end;
create trigger conversations_resaid after update of words on conversations when old.words is not new.words begin
    insert into search_words (search_words, rowid, words) values ('delete', old.id, old.words);
    insert into search_words (rowid, words) values (new.id, new.words);
end;
insert into search_words (search_words) values ('rebuild');
create virtual table search_descriptions using fts5 (
    words, content = 'ticket_details', content_rowid = 'ticket_id', detail = 'none', columnsize = 0,
    tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
create trigger ticket_details_described after insert on ticket_details begin
    insert into search_descriptions (rowid, words) values (new.ticket_id, new.words);
end;
create trigger ticket_details_undescribed after delete on ticket_details begin
    insert into search_descriptions (search_descriptions, rowid, words)
        values ('delete', old.ticket_id, old.words);
end;
create trigger ticket_details_redescribed after update of words on ticket_details
when old.words is not new.words begin
    insert into search_descriptions (search_descriptions, rowid, words)
        values ('delete', old.ticket_id, old.words);
    insert into search_descriptions (rowid, words) values (new.ticket_id, new.words);
end;
insert into search_descriptions (search_descriptions) values ('rebuild');
