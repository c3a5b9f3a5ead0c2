-- Signatures of webhooks that were taken in, as long as their time stamps are young enough: a replay is refused.
create table webhook_signatures (
    signature text primary key,
    expires_at timestamptz not null
);
