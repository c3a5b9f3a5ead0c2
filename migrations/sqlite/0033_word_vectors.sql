-- SQLite's full-text tables keep their words already.
select 1;
