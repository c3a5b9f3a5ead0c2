-- Changes of one ticket that are still on their way: looked for with every change of a status.
create index outbox_open on outbox (number, kind, id) where state = 'pending';

-- What ended, by age: forgotten after some time.
create index outbox_ended on outbox (created_at) where state <> 'pending';

-- When a source last completed, for the health check.
create index sync_jobs_completed on sync_jobs (provider, completed_at) where status = 'completed';
create index sync_jobs_provider on sync_jobs (provider, started_at);

-- Written and emptied again, while writing fails, to learn when it works again. Holds nothing that lasts.
create table write_probe (
    filler text not null
);
