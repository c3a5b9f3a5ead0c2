//! Changes on their way as JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OutboxEntry, OutboxKind, OutboxState};

/// A change of a ticket on its way to the PSA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutboxOut {
    /// How often it was tried.
    pub attempts: i64,
    /// Who made it.
    pub author: String,
    /// When it was made, RFC 3339 in UTC.
    pub created_at: String,
    /// Why the last try failed, or why it does not count.
    pub error: Option<String>,
    /// When it came to its end.
    pub finished_at: Option<String>,
    /// Rises with every change.
    pub id: i64,
    /// What is to be written.
    pub kind: OutboxKind,
    /// When it is tried next; null when it is not pending.
    pub next_at: Option<String>,
    /// The note.
    pub note: Option<String>,
    /// How far it is.
    pub state: OutboxState,
    /// The PSA's number of the new status.
    pub status_id: Option<i64>,
    /// Number of the ticket, the PSA's.
    pub ticket_id: i64,
}

impl From<&OutboxEntry> for OutboxOut {
    fn from(entry: &OutboxEntry) -> Self {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, false);
        let is_pending = entry.state == OutboxState::Pending;
        Self {
            attempts: entry.attempts,
            author: entry.author.clone(),
            created_at: text(entry.created_at),
            error: entry.last_error.clone(),
            finished_at: entry.finished_at.map(text),
            id: entry.id,
            kind: entry.kind,
            next_at: is_pending.then(|| text(entry.next_at)),
            note: entry.note.clone(),
            state: entry.state,
            status_id: entry.status_id,
            ticket_id: entry.number,
        }
    }
}
