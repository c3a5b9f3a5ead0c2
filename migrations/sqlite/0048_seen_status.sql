-- What changes outside the history of a record, as the person saw it at the last look; null for looks before this column.
alter table seen add column status text check (status is null or json_valid(status));
