-- As on SQLite.
alter table conversations add column cc_emails jsonb not null default '[]';
alter table conversations add column bcc_emails jsonb not null default '[]';
alter table conversations add column author_name text;
alter table time_entries add column task_id bigint;
alter table time_entries add column started_at timestamptz;
alter table ticket_details add column stats jsonb;

create table ticket_details_owed (
    ticket_id bigint primary key references tickets (id),
    source text not null,
    parts text not null,
    reason text not null,
    since timestamptz not null,
    attempts bigint not null,
    next_at timestamptz not null
);
create index ticket_details_owed_due on ticket_details_owed (source, next_at);
