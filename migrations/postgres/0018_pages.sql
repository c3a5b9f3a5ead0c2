-- As on SQLite: pages of live tickets, for which what is passed over on the way to a far page is read in the index
-- alone.
drop index tickets_newest;
drop index tickets_status;
create index tickets_newest on tickets (newest_at, id) where deleted_at is null;
create index tickets_status on tickets (status_id, newest_at, id) where deleted_at is null;

-- What a list counts by, so that counting reads no row.
create index tickets_counted on tickets
    (status_id, priority_id, group_id, responder_id, external_source, deleted_at) where deleted_at is null;

-- Lists of what changed last.
create index companies_changed on companies (updated_at, id) where deleted_at is null;
create index contacts_changed on contacts (updated_at, id) where deleted_at is null;
create index assets_changed on assets (updated_at, id) where deleted_at is null;
