-- Words as SQLite has them: what stands between marks. The parser alone takes an address, a host or a path for one
-- word, which is then found by no part of it.
create function words_of(text) returns tsvector language sql immutable parallel safe as $$
    select to_tsvector('simple', translate(left(coalesce($1, ''), 100000),
        '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32)))
$$;
drop index conversations_words;
drop index ticket_details_words;
create index conversations_words on conversations using gin (words_of(body));
create index ticket_details_words on ticket_details using gin (words_of(description_text));
