//! Changes of tickets on their way to the PSA: made here at once, written there when it can be reached,
//! never over something newer and never twice.

#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::json_columns::List;

/// What is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[cfg_attr(
    feature = "store",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
#[serde(rename_all = "snake_case")]
pub enum OutboxKind {
    /// Another status.
    Status,
    /// A private note.
    Note,
}

impl OutboxKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Status, Self::Note];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Note => "note",
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[cfg_attr(
    feature = "store",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// Writing was off when an older version kept it; a retry sends it. Nothing is kept for sending while writing is off.
    Off,
    /// It will be sent.
    Pending,
    /// The PSA has it.
    Done,
    /// Something newer counts: at the PSA, or a later change here.
    Superseded,
    /// The PSA refuses it, or was out of reach for too long.
    Failed,
    /// A person has stopped it.
    Cancelled,
}

impl OutboxState {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Failed,
        Self::Off,
        Self::Done,
        Self::Superseded,
        Self::Cancelled,
    ];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A change on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct OutboxEntry {
    /// Rises with every change.
    pub id: i64,
    /// Number of the ticket, the PSA's.
    pub number: i64,
    /// What is to be written.
    pub kind: OutboxKind,
    /// The new status.
    pub status_id: Option<i64>,
    /// The statuses at the PSA that it may replace.
    pub base_status_ids: List<i64>,
    /// Row of the note.
    pub note_id: Option<i64>,
    /// The note's text.
    pub note: Option<String>,
    /// Who made the change.
    pub author: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// How far it is.
    pub state: OutboxState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, while it is pending.
    pub next_at: DateTime<Utc>,
    /// Why the last try failed, or why it does not count.
    pub last_error: Option<String>,
    /// The PSA's id of the note.
    pub external_id: Option<i64>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}
