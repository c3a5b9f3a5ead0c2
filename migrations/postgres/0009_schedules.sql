-- When syncs run by themselves: one row a schedule, shared by all processes.
create table schedules (
    name text primary key,
    cron text not null,
    next_at timestamptz not null,
    last_at timestamptz
);
