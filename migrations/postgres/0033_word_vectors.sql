-- The list of words is kept: a word that everything has is found by reading rows, and making the list for each of them
-- took longer than the search may.
alter table conversations add column word_vector tsvector generated always as (word_list(words)) stored;
alter table ticket_details add column word_vector tsvector generated always as (word_list(words)) stored;
drop index conversations_words;
drop index ticket_details_words;
create index conversations_words on conversations using gin (word_vector);
create index ticket_details_words on ticket_details using gin (word_vector);
