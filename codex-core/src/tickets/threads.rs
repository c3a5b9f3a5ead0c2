//! Writing what was said and how long it took: rows beside the ticket, replaced a ticket at a time.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Details, SentConversation, TimeEntry, pending_details};
use crate::{
    Error, Result, dates,
    fold::words,
    ids::TicketId,
    records::{Author, MAX_BINDS, resolve::MANUAL},
    store::{Db, Q, Tx},
};

/// The author of what no person does.
const SYSTEM: &str = "system";

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
    NOTE = "insert into conversations (ticket_id, source, author, author_name, incoming, private, \
        channel, to_emails, body, words, attachments, created_at, updated_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) returning id";
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
/// `before` on backwards. Those with something pending are left out: they have a time of their own. Details that were
/// stored under a time that has not come count as older than every ticket.
pub(crate) async fn stale(
    db: &Db,
    source: &str,
    since: DateTime<Utc>,
    before: Option<Stale>,
    now: DateTime<Utc>,
) -> Result<Vec<Stale>> {
    let mut q = db.query(
        "select t.id, t.external_id, t.newest_at from tickets t \
         left join ticket_details d on d.ticket_id = t.id \
         left join ticket_details_owed o on o.ticket_id = t.id \
         where t.deleted_at is null and t.external_id is not null and o.ticket_id is null \
         and (d.details_of is null or d.details_of < coalesce(t.last_updated_at, t.opened_at) \
         or d.details_of > ",
    );
    q.push_bind(dates::newest(now))
        .push(") and t.external_source = ")
        .push_bind(source)
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

/// Keeps the account's words for its statuses; they are few.
pub(crate) async fn save_labels(tx: &mut Tx, source: &str, labels: &[(i64, String)]) -> Result<()> {
    for (id, label) in labels {
        tx.query(LABEL)
            .bind(source)
            .bind(*id)
            .bind(label.as_str())
            .execute()
            .await?;
    }
    Ok(())
}

/// Makes a source's conversations and time entries of some tickets those that were read. What is no
/// longer there is marked, notes made here stay, and what could not be read is remembered as pending.
pub(crate) async fn replace(
    tx: &mut Tx,
    source: &str,
    at: DateTime<Utc>,
    all: &[Details],
) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let (mut said, mut worked) = (Vec::new(), Vec::new());
    let (mut whole_said, mut whole_worked) = (Vec::new(), Vec::new());
    let (mut pending, mut complete) = (Vec::new(), Vec::new());
    for details in all {
        if let Some(read) = &details.conversations {
            said.extend(&read.items);
            whole_said.extend(read.whole.then_some(details.ticket));
        }
        if let Some(read) = &details.entries {
            worked.extend(&read.items);
            whole_worked.extend(read.whole.then_some(details.ticket));
        }
        match &details.pending {
            Some(details) => pending.push(details.clone()),
            None => complete.push(details.ticket),
        }
    }
    let present: Vec<i64> = said
        .iter()
        .filter_map(|item| item.said.external_id)
        .collect();
    let mut q = tx.query("update conversations set gone_at = ");
    q.push_bind(at).push(" where source = ").push_bind(source);
    but(&mut q, whole_said, present);
    q.execute().await?;
    let present: Vec<i64> = worked.iter().map(|item| item.external_id).collect();
    let mut q = tx.query("update time_entries set gone_at = ");
    q.push_bind(at).push(" where source = ").push_bind(source);
    but(&mut q, whole_worked, present);
    q.execute().await?;

    for chunk in said.chunks(500) {
        save_conversations(tx, chunk).await?;
    }
    for chunk in worked.chunks(500) {
        save_entries(tx, chunk).await?;
    }
    let mut q = tx.query("insert into ticket_details (ticket_id, minutes, details_of) ");
    q.push_upsert_rows(
        all,
        |details| details.ticket,
        |row, details| {
            row.bind(details.ticket)
                .bind(details.minutes())
                .bind(details.of);
        },
    );
    q.push(
        " on conflict (ticket_id) do update set \
         minutes = coalesce(excluded.minutes, ticket_details.minutes), \
         details_of = excluded.details_of \
         where (ticket_details.minutes, ticket_details.details_of) is distinct from \
         (coalesce(excluded.minutes, ticket_details.minutes), excluded.details_of)",
    );
    q.execute().await?;

    pending_details::remember(tx, source, at, &pending).await?;
    pending_details::complete(tx, complete).await
}

/// Everything of some tickets that is not `present` any more.
fn but(q: &mut Q<'_>, tickets: Vec<i64>, present: Vec<i64>) {
    q.push(" and gone_at is null and ticket_id in ")
        .push_list(tickets);
    if !present.is_empty() {
        q.push(" and external_id not in ").push_list(present);
    }
}

async fn save_conversations(tx: &mut Tx, items: &[&SentConversation]) -> Result<()> {
    let mut q = tx.query(
        "insert into conversations (ticket_id, source, external_id, user_id, incoming, private, \
         channel, from_email, to_emails, cc_emails, bcc_emails, support_email, body_html, body, words, \
         attachments, created_at, updated_at) ",
    );
    q.push_upsert_rows(
        items,
        |item| item.said.external_id,
        |row, item| {
            let said = &item.said;
            row.bind(said.ticket_id)
                .bind(said.source.as_str())
                .bind(said.external_id)
                .bind(said.user_id)
                .bind(said.incoming)
                .bind(said.private)
                .bind(said.channel)
                .bind_text(said.from_email.as_deref())
                .bind(Json(&said.to_emails))
                .bind(Json(&item.cc_emails))
                .bind(Json(&item.bcc_emails))
                .bind_text(said.support_email.as_deref())
                .bind_text(said.body_html.as_deref())
                .bind_text(said.body.as_deref())
                .bind(said.body.as_deref().map(words))
                .bind(Json(&said.attachments))
                .bind(said.created_at)
                .bind(said.updated_at);
        },
    );
    q.push(
        " on conflict (source, external_id) where external_id is not null do update set \
         ticket_id = excluded.ticket_id, user_id = excluded.user_id, incoming = excluded.incoming, \
         private = excluded.private, channel = excluded.channel, from_email = excluded.from_email, \
         to_emails = excluded.to_emails, cc_emails = excluded.cc_emails, bcc_emails = excluded.bcc_emails, \
         support_email = excluded.support_email, body_html = excluded.body_html, body = excluded.body, \
         words = excluded.words, attachments = excluded.attachments, created_at = excluded.created_at, \
         updated_at = excluded.updated_at, gone_at = null \
         where conversations.gone_at is not null or (conversations.ticket_id, conversations.user_id, \
         conversations.incoming, conversations.private, conversations.channel, conversations.from_email, \
         conversations.to_emails, conversations.cc_emails, conversations.bcc_emails, \
         conversations.support_email, conversations.body_html, \
         conversations.body, conversations.words, conversations.attachments, \
         conversations.created_at, conversations.updated_at) is distinct from (excluded.ticket_id, \
         excluded.user_id, excluded.incoming, excluded.private, excluded.channel, \
         excluded.from_email, excluded.to_emails, excluded.cc_emails, excluded.bcc_emails, \
         excluded.support_email, excluded.body_html, \
         excluded.body, excluded.words, excluded.attachments, excluded.created_at, \
         excluded.updated_at)",
    );
    q.execute().await?;
    Ok(())
}

async fn save_entries(tx: &mut Tx, items: &[&TimeEntry]) -> Result<()> {
    let mut q = tx.query(
        "insert into time_entries (ticket_id, source, external_id, agent_id, note, billable, \
         running, minutes, task_id, started_at, executed_at, created_at, updated_at) ",
    );
    q.push_upsert_rows(
        items,
        |item| item.external_id,
        |row, item| {
            row.bind(item.ticket_id)
                .bind(item.source.as_str())
                .bind(item.external_id)
                .bind(item.agent_id)
                .bind_text(item.note.as_deref())
                .bind(item.billable)
                .bind(item.running)
                .bind(item.minutes)
                .bind(item.task_id)
                .bind(item.started_at)
                .bind(item.executed_at)
                .bind(item.created_at)
                .bind(item.updated_at);
        },
    );
    q.push(
        " on conflict (source, external_id) do update set ticket_id = excluded.ticket_id, \
         agent_id = excluded.agent_id, note = excluded.note, billable = excluded.billable, \
         running = excluded.running, minutes = excluded.minutes, task_id = excluded.task_id, \
         started_at = excluded.started_at, executed_at = excluded.executed_at, \
         created_at = excluded.created_at, updated_at = excluded.updated_at, gone_at = null \
         where time_entries.gone_at is not null or (time_entries.ticket_id, time_entries.agent_id, \
         time_entries.note, time_entries.billable, time_entries.running, time_entries.minutes, \
         time_entries.task_id, time_entries.started_at, \
         time_entries.executed_at, time_entries.created_at, time_entries.updated_at) is distinct from \
         (excluded.ticket_id, excluded.agent_id, excluded.note, excluded.billable, excluded.running, \
         excluded.minutes, excluded.task_id, excluded.started_at, excluded.executed_at, \
         excluded.created_at, excluded.updated_at)",
    );
    q.execute().await?;
    Ok(())
}

/// A ticket was worked on here: it counts as changed then, unless it changed later.
pub(crate) async fn bump_revision(tx: &mut Tx, ticket: TicketId, at: DateTime<Utc>) -> Result<()> {
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

/// What notes call their author, as the Flask service does: a person's login name, `unknown` for a person without
/// one, `system` for a service.
fn note_name(author: &Author) -> &str {
    if author.actor.starts_with("service:") || author.actor == SYSTEM {
        SYSTEM
    } else {
        author.name.as_deref().unwrap_or("unknown")
    }
}

/// Adds a private note, which no sync touches; gives its row.
pub(crate) async fn add_note(
    tx: &mut Tx,
    ticket: TicketId,
    author: &Author,
    text: &str,
) -> Result<i64> {
    let none: [String; 0] = [];
    let id = tx
        .query(NOTE)
        .bind(ticket)
        .bind(MANUAL)
        .bind(author.actor.as_str())
        .bind(note_name(author))
        .bind(false)
        .bind(true)
        .bind(2_i64)
        .bind(Json(&none))
        .bind(text)
        .bind(words(text))
        .bind(Json(&none))
        .bind(author.at)
        .scalar()
        .await?;
    id.ok_or_else(|| Error::Corrupt {
        what: "a note that was written has no row".into(),
        source: None,
    })
}
