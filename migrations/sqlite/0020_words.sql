-- SQLite's words are what stands between marks already.
select 1;
