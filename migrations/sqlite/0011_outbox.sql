-- Changes of tickets on their way to the PSA. base_status_ids are the statuses that a change was made on:
-- another one at the PSA is newer. next_at is when a pending one is tried next, or until when a process
-- that tries it is believed to be alive.
create table outbox (
    id integer primary key not null,
    number bigint not null,
    kind text not null,
    status_id bigint,
    base_status_ids text not null check (json_valid(base_status_ids)),
    note_id bigint references conversations (id),
    author text not null,
    created_at text not null,
    state text not null,
    attempts bigint not null,
    next_at text not null,
    last_error text,
    external_id bigint,
    finished_at text
);
create index outbox_due on outbox (next_at) where state = 'pending';
create index outbox_ticket on outbox (number);

-- The PSA's id of a note that was made here and sent: what comes back under it is the same note.
alter table conversations add column sent_as bigint;
create index conversations_sent on conversations (sent_as) where sent_as is not null;
