-- What records are found by, folded; rowid is the record's id times 16 plus the number of its kind.
create table search_names (
    rowid bigint primary key,
    text text collate "C" not null
);

-- Without the extension, or the right to create it, search reads every row instead.
do $$
begin
    create extension if not exists pg_trgm;
    create index search_names_text on search_names using gin (text gin_trgm_ops);
exception when others then
    raise notice 'pg_trgm is not available (%), search will be slower', sqlerrm;
end
$$;

-- Words of what was said on tickets and what they are about; a word list has a largest size, a text has none.
create index conversations_words on conversations
    using gin (to_tsvector('simple', left(coalesce(body, ''), 100000)));
create index ticket_details_words on ticket_details
    using gin (to_tsvector('simple', left(coalesce(description_text, ''), 100000)));
