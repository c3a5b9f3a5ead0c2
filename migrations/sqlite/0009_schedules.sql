-- When syncs run by themselves: one row a schedule, shared by all processes.
create table schedules (
    name text primary key not null,
    cron text not null,
    next_at text not null,
    last_at text
);
