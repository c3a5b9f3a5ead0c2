-- When somebody here last worked on a ticket: it counts as a change of the ticket, whatever its PSA says.
alter table tickets add column touched_at timestamptz;
