-- Assets are found by the bare digits of their hardware address too: their texts are written again when the database
-- is next opened.
delete from search_names where rowid % 16 = 3;
