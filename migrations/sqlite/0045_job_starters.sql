-- Who started a sync: a user's id, service:<name>, or the schedule. Unknown for jobs that are older than this column.
alter table sync_jobs add column started_by text;
