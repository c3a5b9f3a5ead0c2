-- What the PSA sends of conversations, time entries and statistics, and what was left behind until now.
alter table conversations add column cc_emails text not null default '[]' check (json_valid(cc_emails));
alter table conversations add column bcc_emails text not null default '[]' check (json_valid(bcc_emails));
-- How a note names who made it: author is the identity, this is for people.
alter table conversations add column author_name text;
alter table time_entries add column task_id bigint;
alter table time_entries add column started_at text;
-- The PSA's statistics of a ticket, as sent.
alter table ticket_details add column stats text check (stats is null or json_valid(stats));

-- Details of tickets that could not be read: the cursor of changed tickets moves on, and without this nobody
-- would ask for them again. parts names what is missing, reason is the last error, since the first failure;
-- next_at is the earliest next attempt.
create table ticket_details_owed (
    ticket_id bigint primary key not null references tickets (id),
    source text not null,
    parts text not null,
    reason text not null,
    since text not null,
    attempts bigint not null,
    next_at text not null
);
create index ticket_details_owed_due on ticket_details_owed (source, next_at);
