-- Tickets of the PSA. number is what people and modules call a ticket; row ids stay inside.
create table tickets (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    number bigint not null,
    external_id bigint,
    external_source text,
    subject text,
    status_id bigint,
    priority_id bigint,
    ticket_type text,
    channel bigint,
    urgency bigint,
    impact bigint,
    requester_id bigint,
    requester_name text,
    requester_email text,
    responder_id bigint,
    group_id bigint,
    department_id bigint,
    category text,
    sub_category text,
    item_category text,
    opened_at text,
    last_updated_at text,
    resolved_at text,
    closed_at text,
    first_responded_at text,
    agent_responded_at text,
    fr_due_by text,
    due_by text,
    fr_escalated boolean,
    is_escalated boolean,
    tags text not null check (json_valid(tags)),
    company_id bigint references companies (id),
    newest_at text not null,
    subject_fold text not null
);
create unique index tickets_number on tickets (number);
create index tickets_external on tickets (external_id);
create index tickets_newest on tickets (newest_at, id);
create index tickets_company on tickets (company_id, newest_at);
create index tickets_status on tickets (status_id, newest_at);
create index tickets_department on tickets (department_id) where company_id is null;

-- The texts of a ticket and what its details add up to: in one row, outside claims, log and undo.
-- details_of is the vendor's time of change for which conversations and time entries were read.
create table ticket_details (
    ticket_id integer primary key not null references tickets (id),
    description text,
    description_text text,
    attachments text check (json_valid(attachments)),
    minutes bigint,
    details_of text
);

-- What was said on a ticket: the PSA's conversations, and notes made here (source manual), which no
-- sync touches. What the PSA no longer has gets gone_at.
create table conversations (
    id integer primary key not null,
    ticket_id bigint not null references tickets (id),
    source text not null,
    external_id bigint,
    user_id bigint,
    author text,
    incoming boolean,
    private boolean,
    channel bigint,
    from_email text,
    to_emails text not null check (json_valid(to_emails)),
    support_email text,
    body_html text,
    body text,
    attachments text not null check (json_valid(attachments)),
    created_at text,
    updated_at text,
    gone_at text
);
create unique index conversations_external on conversations (source, external_id) where external_id is not null;
create index conversations_ticket on conversations (ticket_id, created_at);

-- Time worked on a ticket; minutes is null while the timer runs.
create table time_entries (
    id integer primary key not null,
    ticket_id bigint not null references tickets (id),
    source text not null,
    external_id bigint not null,
    agent_id bigint,
    note text,
    billable boolean,
    running boolean,
    minutes bigint,
    executed_at text,
    created_at text,
    updated_at text,
    gone_at text
);
create unique index time_entries_external on time_entries (source, external_id);
create index time_entries_ticket on time_entries (ticket_id);

-- The words that a PSA's account has for its status numbers.
create table ticket_statuses (
    source text not null,
    status_id bigint not null,
    label text not null,
    primary key (source, status_id)
);

-- Where an incremental pull goes on; moves in the transaction of the data that it stands for.
create table sync_cursors (
    source text not null,
    name text not null,
    at text not null,
    primary key (source, name)
);
