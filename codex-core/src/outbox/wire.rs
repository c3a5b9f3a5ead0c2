//! Changes on their way as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OutboxEntry, OutboxKind, OutboxState};

/// A change of a ticket on its way to the PSA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutboxOut {
    /// How often it was tried.
    pub attempts: i64,
    /// Who created it.
    pub author: String,
    /// When it was created, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub created_at: DateTime<Utc>,
    /// Why the last try failed, or why it does not count.
    pub error: Option<String>,
    /// When it came to its end.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub finished_at: Option<DateTime<Utc>>,
    /// Rises with every change.
    pub id: i64,
    /// What is to be written.
    pub kind: OutboxKind,
    /// When it is tried next; null when it is not pending.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub next_at: Option<DateTime<Utc>>,
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
        let is_pending = entry.state == OutboxState::Pending;
        Self {
            attempts: entry.attempts,
            author: entry.author.clone(),
            created_at: entry.created_at,
            error: entry.last_error.clone(),
            finished_at: entry.finished_at,
            id: entry.id,
            kind: entry.kind,
            next_at: is_pending.then_some(entry.next_at),
            note: entry.note.clone(),
            state: entry.state,
            status_id: entry.status_id,
            ticket_id: entry.number,
        }
    }
}
