//! Writing what was said and how long it took: rows beside the ticket, replaced a ticket at a time.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Conversation, TimeEntry};
use crate::{
    Error, Result,
    changes::{MAX_BINDS, resolve::MANUAL},
    fold::words,
    ids::TicketId,
    store::{Db, Tx},
    sync::Run,
};

sql! {
    /// A word of the account for a status; writes nothing when it is the same.
    LABEL = "insert into ticket_statuses (source, status_id, label) values ($1, $2, $3) \
        on conflict (source, status_id) do update set label = excluded.label \
        where ticket_statuses.label <> excluded.label";
    /// Ids at the vendor of live tickets that were opened between two moments.
    OPENED = "select c.external_id from tickets t join claims c on c.kind = 'ticket' \
        and c.record_id = t.id and c.source = $1 and c.gone_at is null \
        where t.deleted_at is null and t.opened_at > $2 and t.opened_at < $3";
    /// A note made here.
    NOTE = "insert into conversations (ticket_id, source, author, incoming, private, channel, \
        to_emails, body, words, attachments, created_at, updated_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) returning id";
    /// A ticket was worked on.
    TOUCH = "update tickets set touched_at = $2, updated_at = $2, \
        newest_at = case when newest_at < $2 then $2 else newest_at end where id = $1";
}

/// A ticket whose details are to be read.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(crate) struct Stale {
    id: i64,
    pub external_id: i64,
    newest_at: DateTime<Utc>,
}

/// The next tickets changed since a moment whose details are older than they are: the newest first, from
/// `before` on backwards.
pub(crate) async fn stale(
    db: &Db,
    source: &str,
    since: DateTime<Utc>,
    before: Option<Stale>,
) -> Result<Vec<Stale>> {
    let mut q = db.query(
        "select t.id, t.external_id, t.newest_at from tickets t \
         left join ticket_details d on d.ticket_id = t.id \
         where t.deleted_at is null and t.external_id is not null \
         and (d.details_of is null or d.details_of < coalesce(t.last_updated_at, t.opened_at)) \
         and t.external_source = ",
    );
    q.push_bind(source)
        .push(" and t.newest_at >= ")
        .push_bind(since);
    if let Some(before) = before {
        q.push(" and (t.newest_at, t.id) < (")
            .push_bind(before.newest_at)
            .push(", ")
            .push_bind(before.id)
            .push(")");
    }
    q.push(" order by t.newest_at desc, t.id desc limit 100");
    q.all().await
}

/// The change that details were read after, by the vendor's ids of tickets.
pub(crate) async fn details_of(
    db: &Db,
    source: &str,
    ids: impl Iterator<Item = i64>,
) -> Result<HashMap<i64, DateTime<Utc>>> {
    let mut q = db.query(
        "select t.external_id, d.details_of from tickets t \
         join ticket_details d on d.ticket_id = t.id \
         where t.deleted_at is null and d.details_of is not null and t.external_source = ",
    );
    q.push_bind(source)
        .push(" and t.external_id in ")
        .push_list(ids);
    Ok(q.all::<(i64, DateTime<Utc>)>().await?.into_iter().collect())
}

/// The rows of live tickets by the vendor's ids.
pub(crate) async fn rows(
    db: &Db,
    source: &str,
    ids: impl Iterator<Item = i64>,
) -> Result<HashMap<i64, i64>> {
    let mut q = db.query(
        "select external_id, id from tickets where deleted_at is null and external_source = ",
    );
    q.push_bind(source)
        .push(" and external_id in ")
        .push_list(ids);
    Ok(q.all::<(i64, i64)>().await?.into_iter().collect())
}

/// Ids at the vendor of live tickets that were opened between two moments, both excluded.
pub(crate) async fn opened_between(
    db: &Db,
    source: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<String>> {
    db.query(OPENED)
        .bind(source)
        .bind(from)
        .bind(to)
        .scalars()
        .await
}

/// Everything that a source has beside one ticket.
#[derive(Debug)]
pub(crate) struct Details {
    pub ticket: i64,
    /// The change of the ticket that this was read after.
    pub of: DateTime<Utc>,
    pub conversations: Vec<Conversation>,
    pub entries: Vec<TimeEntry>,
}

impl Details {
    /// Minutes of entries whose timers do not run.
    fn minutes(&self) -> i64 {
        self.entries.iter().filter_map(|entry| entry.minutes).sum()
    }
}

/// Keeps the account's words for its statuses; they are few.
pub(crate) async fn save_labels(run: &Run, source: &str, labels: &[(i64, String)]) -> Result<()> {
    let mut tx = run.begin().await?;
    for (id, label) in labels {
        tx.query(LABEL)
            .bind(source)
            .bind(*id)
            .bind(label.as_str())
            .execute()
            .await?;
    }
    run.end(tx).await
}

/// Makes a source's conversations and time entries of some tickets those that were read. What is no
/// longer there is marked, notes made here stay.
pub(crate) async fn replace(
    tx: &mut Tx,
    source: &str,
    at: DateTime<Utc>,
    all: &[Details],
) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let tickets = || all.iter().map(|details| details.ticket);
    let said = || all.iter().flat_map(|details| &details.conversations);
    let worked = || all.iter().flat_map(|details| &details.entries);

    let mut q = tx.query("update conversations set gone_at = ");
    q.push_bind(at)
        .push(" where source = ")
        .push_bind(source)
        .push(" and gone_at is null and ticket_id in ")
        .push_list(tickets());
    if said().next().is_some() {
        q.push(" and external_id not in ")
            .push_list(said().filter_map(|item| item.external_id));
    }
    q.execute().await?;
    let mut q = tx.query("update time_entries set gone_at = ");
    q.push_bind(at)
        .push(" where source = ")
        .push_bind(source)
        .push(" and gone_at is null and ticket_id in ")
        .push_list(tickets());
    if worked().next().is_some() {
        q.push(" and external_id not in ")
            .push_list(worked().map(|item| item.external_id));
    }
    q.execute().await?;

    let said: Vec<&Conversation> = said().collect();
    for chunk in said.chunks(500) {
        save_conversations(tx, chunk).await?;
    }
    let worked: Vec<&TimeEntry> = worked().collect();
    for chunk in worked.chunks(500) {
        save_entries(tx, chunk).await?;
    }
    let mut q = tx.query("insert into ticket_details (ticket_id, minutes, details_of) ");
    q.push_rows(all, |row, details| {
        row.bind(details.ticket)
            .bind(details.minutes())
            .bind(details.of);
    });
    q.push(
        " on conflict (ticket_id) do update set minutes = excluded.minutes, \
         details_of = excluded.details_of \
         where (ticket_details.minutes, ticket_details.details_of) is distinct from \
         (excluded.minutes, excluded.details_of)",
    );
    q.execute().await?;
    Ok(())
}

async fn save_conversations(tx: &mut Tx, items: &[&Conversation]) -> Result<()> {
    let mut q = tx.query(
        "insert into conversations (ticket_id, source, external_id, user_id, incoming, private, \
         channel, from_email, to_emails, support_email, body_html, body, words, attachments, \
         created_at, updated_at) ",
    );
    q.push_rows(items, |row, item| {
        row.bind(item.ticket_id)
            .bind(item.source.as_str())
            .bind(item.external_id)
            .bind(item.user_id)
            .bind(item.incoming)
            .bind(item.private)
            .bind(item.channel)
            .bind_text(item.from_email.as_deref())
            .bind(Json(&item.to_emails))
            .bind_text(item.support_email.as_deref())
            .bind_text(item.body_html.as_deref())
            .bind_text(item.body.as_deref())
            .bind(item.body.as_deref().map(words))
            .bind(Json(&item.attachments))
            .bind(item.created_at)
            .bind(item.updated_at);
    });
    q.push(
        " on conflict (source, external_id) where external_id is not null do update set \
         ticket_id = excluded.ticket_id, user_id = excluded.user_id, incoming = excluded.incoming, \
         private = excluded.private, channel = excluded.channel, from_email = excluded.from_email, \
         to_emails = excluded.to_emails, support_email = excluded.support_email, \
         body_html = excluded.body_html, body = excluded.body, words = excluded.words, \
         attachments = excluded.attachments, created_at = excluded.created_at, \
         updated_at = excluded.updated_at, gone_at = null \
         where conversations.gone_at is not null or (conversations.ticket_id, conversations.user_id, \
         conversations.incoming, conversations.private, conversations.channel, conversations.from_email, \
         conversations.to_emails, conversations.support_email, conversations.body_html, \
         conversations.body, conversations.words, conversations.attachments, \
         conversations.created_at, conversations.updated_at) is distinct from (excluded.ticket_id, \
         excluded.user_id, excluded.incoming, excluded.private, excluded.channel, \
         excluded.from_email, excluded.to_emails, excluded.support_email, excluded.body_html, \
         excluded.body, excluded.words, excluded.attachments, excluded.created_at, \
         excluded.updated_at)",
    );
    q.execute().await?;
    Ok(())
}

async fn save_entries(tx: &mut Tx, items: &[&TimeEntry]) -> Result<()> {
    let mut q = tx.query(
        "insert into time_entries (ticket_id, source, external_id, agent_id, note, billable, \
         running, minutes, executed_at, created_at, updated_at) ",
    );
    q.push_rows(items, |row, item| {
        row.bind(item.ticket_id)
            .bind(item.source.as_str())
            .bind(item.external_id)
            .bind(item.agent_id)
            .bind_text(item.note.as_deref())
            .bind(item.billable)
            .bind(item.running)
            .bind(item.minutes)
            .bind(item.executed_at)
            .bind(item.created_at)
            .bind(item.updated_at);
    });
    q.push(
        " on conflict (source, external_id) do update set ticket_id = excluded.ticket_id, \
         agent_id = excluded.agent_id, note = excluded.note, billable = excluded.billable, \
         running = excluded.running, minutes = excluded.minutes, executed_at = excluded.executed_at, \
         created_at = excluded.created_at, updated_at = excluded.updated_at, gone_at = null \
         where time_entries.gone_at is not null or (time_entries.ticket_id, time_entries.agent_id, \
         time_entries.note, time_entries.billable, time_entries.running, time_entries.minutes, \
         time_entries.executed_at, time_entries.created_at, time_entries.updated_at) is distinct from \
         (excluded.ticket_id, excluded.agent_id, excluded.note, excluded.billable, excluded.running, \
         excluded.minutes, excluded.executed_at, excluded.created_at, excluded.updated_at)",
    );
    q.execute().await?;
    Ok(())
}

/// A ticket was worked on here: it counts as changed then, unless it changed later.
pub(crate) async fn touch(tx: &mut Tx, ticket: TicketId, at: DateTime<Utc>) -> Result<()> {
    tx.query(TOUCH).bind(ticket).bind(at).execute().await?;
    Ok(())
}

/// Keeps the time of the last change of tickets that were worked on here after their PSA last changed them.
pub(crate) async fn keep_touched(tx: &mut Tx, tickets: &[i64]) -> Result<()> {
    for chunk in tickets.chunks(MAX_BINDS) {
        let mut q =
            tx.query("update tickets set newest_at = touched_at where touched_at > newest_at");
        q.push(" and id in ").push_list(chunk.iter().copied());
        q.execute().await?;
    }
    Ok(())
}

/// Adds a private note of a person, which no sync touches; gives its row.
pub(crate) async fn add_note(
    tx: &mut Tx,
    ticket: TicketId,
    author: &str,
    text: &str,
    at: DateTime<Utc>,
) -> Result<i64> {
    let none: [String; 0] = [];
    let id = tx
        .query(NOTE)
        .bind(ticket)
        .bind(MANUAL)
        .bind(author)
        .bind(false)
        .bind(true)
        .bind(2_i64)
        .bind(Json(&none))
        .bind(text)
        .bind(words(text))
        .bind(Json(&none))
        .bind(at)
        .scalar()
        .await?;
    id.ok_or_else(|| Error::Corrupt {
        what: "a note that was written has no row".into(),
        source: None,
    })
}
