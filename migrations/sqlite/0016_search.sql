-- What records are found by, folded; rowid is the record's id times 16 plus the number of its kind.
create virtual table search_names using fts5 (text, tokenize = 'trigram');

-- Words of what was said on tickets. The texts stay where they are, the index follows them.
create virtual table search_words using fts5 (
    body, content = 'conversations', content_rowid = 'id', detail = 'none', columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2'
);
create trigger conversations_said after insert on conversations begin
    insert into search_words (rowid, body) values (new.id, new.body);
end;
create trigger conversations_unsaid after delete on conversations begin
    insert into search_words (search_words, rowid, body) values ('delete', old.id, old.body);
end;
create trigger conversations_resaid after update of body on conversations when old.body is not new.body begin
    insert into search_words (search_words, rowid, body) values ('delete', old.id, old.body);
    insert into search_words (rowid, body) values (new.id, new.body);
end;
insert into search_words (search_words) values ('rebuild');

-- Words of what tickets are about.
create virtual table search_descriptions using fts5 (
    description_text, content = 'ticket_details', content_rowid = 'ticket_id', detail = 'none', columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2'
);
create trigger ticket_details_described after insert on ticket_details begin
    insert into search_descriptions (rowid, description_text) values (new.ticket_id, new.description_text);
end;
create trigger ticket_details_undescribed after delete on ticket_details begin
    insert into search_descriptions (search_descriptions, rowid, description_text)
        values ('delete', old.ticket_id, old.description_text);
end;
create trigger ticket_details_redescribed after update of description_text on ticket_details
when old.description_text is not new.description_text begin
    insert into search_descriptions (search_descriptions, rowid, description_text)
        values ('delete', old.ticket_id, old.description_text);
    insert into search_descriptions (rowid, description_text) values (new.ticket_id, new.description_text);
end;
insert into search_descriptions (search_descriptions) values ('rebuild');
