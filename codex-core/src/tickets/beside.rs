//! What is kept beside tickets and shown on request alone: texts, statistics, everything said and worked.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sqlx::types::Json;

use super::{TimeEntry, wire::TimeEntryOut};
use crate::{
    Result,
    ids::TicketId,
    json_columns::List,
    store::{Db, Q},
    times,
};

/// Keys that staff may choose of a ticket beside its tracked fields.
pub const BESIDE: [&str; 7] = [
    "attachments",
    "conversations",
    "description",
    "minutes",
    "notes",
    "stats",
    "time_entries",
];

/// What is beside a ticket, by key.
pub type Beside = HashMap<TicketId, Map<String, Value>>;

#[derive(Debug, sqlx::FromRow)]
struct Texts {
    ticket_id: TicketId,
    attachments: Option<Json<Value>>,
    description: Option<String>,
    minutes: Option<i64>,
    stats: Option<Json<Value>>,
}

#[derive(Debug, sqlx::FromRow)]
struct ConversationRow {
    ticket_id: TicketId,
    external_id: Option<i64>,
    user_id: Option<i64>,
    author: Option<String>,
    incoming: Option<bool>,
    private: Option<bool>,
    channel: Option<i64>,
    from_email: Option<String>,
    to_emails: List<String>,
    cc_emails: List<String>,
    bcc_emails: List<String>,
    support_email: Option<String>,
    body_html: Option<String>,
    body: Option<String>,
    attachments: Json<Value>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl ConversationRow {
    /// The keys of today's answers, and those that they leave out.
    fn shown(self) -> Value {
        let body = self.body.unwrap_or_default();
        json!({
            "attachments": self.attachments.0,
            "bcc_emails": self.bcc_emails,
            "body": body,
            "body_html": self.body_html.unwrap_or_default(),
            "cc_emails": self.cc_emails,
            "channel": self.channel,
            "created_at": self.created_at.map(times::text),
            "from_email": self.from_email,
            "id": self.external_id,
            "incoming": self.incoming.unwrap_or_default(),
            "private": self.private.unwrap_or_default(),
            "support_email": self.support_email,
            "text": body,
            "to_emails": self.to_emails,
            "updated_at": self.updated_at.map(times::text),
            "user": self.author,
            "user_id": self.user_id,
        })
    }
}

/// The `wanted` keys of [`BESIDE`] of some tickets: a statement for each kind of row, whatever the number of
/// tickets. Each ticket gets every key that is wanted.
pub(crate) async fn read(db: &Db, ids: &[TicketId], wanted: &[&str]) -> Result<Beside> {
    let wants = |keys: &[&str]| keys.iter().any(|key| wanted.contains(key));
    let mut beside: Beside = ids.iter().map(|id| (*id, Map::new())).collect();
    if wants(&["attachments", "description", "minutes", "stats"]) {
        let mut found: HashMap<TicketId, Texts> = texts(db, ids).await?;
        for (id, keys) in &mut beside {
            let texts = found.remove(id);
            let texts = texts.as_ref();
            let all = json!({
                "attachments": texts.and_then(|texts| texts.attachments.as_deref()),
                "description": texts.and_then(|texts| texts.description.as_deref()),
                "minutes": texts.and_then(|texts| texts.minutes),
                "stats": texts.and_then(|texts| texts.stats.as_deref()),
            });
            if let Value::Object(all) = all {
                keys.extend(all);
            }
        }
    }
    if wants(&["conversations", "notes"]) {
        let mut lists = group(said(db, ids).await?, |said| said.ticket_id);
        for (id, keys) in &mut beside {
            let all = lists.remove(id).unwrap_or_default().into_iter();
            let (notes, public): (Vec<ConversationRow>, Vec<ConversationRow>) =
                all.partition(|said| said.private == Some(true));
            for (key, list) in [("conversations", public), ("notes", notes)] {
                let list: Vec<Value> = list.into_iter().map(ConversationRow::shown).collect();
                keys.insert(key.to_owned(), list.into());
            }
        }
    }
    if wants(&["time_entries"]) {
        let mut lists = group(worked(db, ids).await?, |entry| entry.ticket_id);
        for (id, keys) in &mut beside {
            let list = lists.remove(id).unwrap_or_default().into_iter();
            let list: Vec<TimeEntryOut> = list.map(TimeEntryOut::from).collect();
            keys.insert("time_entries".to_owned(), json!(list));
        }
    }
    Ok(beside)
}

fn group<T>(rows: Vec<T>, ticket: impl Fn(&T) -> TicketId) -> HashMap<TicketId, Vec<T>> {
    let mut lists: HashMap<TicketId, Vec<T>> = HashMap::new();
    for row in rows {
        lists.entry(ticket(&row)).or_default().push(row);
    }
    lists
}

fn of<'q>(mut q: Q<'q>, ids: &[TicketId], end: &'static str) -> Q<'q> {
    q.push_list(ids.iter().copied()).push(end);
    q
}

async fn texts(db: &Db, ids: &[TicketId]) -> Result<HashMap<TicketId, Texts>> {
    let q = db.query(
        "select ticket_id, attachments, description, minutes, stats from ticket_details where ticket_id in ",
    );
    let rows: Vec<Texts> = of(q, ids, "").all().await?;
    Ok(rows.into_iter().map(|row| (row.ticket_id, row)).collect())
}

/// Without the PSA's copies of notes that were made here.
async fn said(db: &Db, ids: &[TicketId]) -> Result<Vec<ConversationRow>> {
    let q = db.query(
        "select s.ticket_id, s.external_id, s.user_id, coalesce(s.author_name, s.author) as author, s.incoming, s.private, s.channel, \
         s.from_email, s.to_emails, s.cc_emails, s.bcc_emails, s.support_email, s.body_html, s.body, \
         s.attachments, s.created_at, s.updated_at from conversations s where s.gone_at is null \
         and not exists (select 1 from conversations n where n.sent_as = s.external_id \
         and n.ticket_id = s.ticket_id) and s.ticket_id in ",
    );
    of(q, ids, " order by s.created_at, s.id").all().await
}

async fn worked(db: &Db, ids: &[TicketId]) -> Result<Vec<TimeEntry>> {
    let q = db.query(
        "select ticket_id, source, external_id, agent_id, note, billable, running, minutes, task_id, \
         started_at, executed_at, created_at, updated_at from time_entries where gone_at is null \
         and ticket_id in ",
    );
    of(q, ids, " order by executed_at, id").all().await
}
