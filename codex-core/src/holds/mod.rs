//! Held deletions: too much of a scope vanished at once, and a person decides.

#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "sync")]
pub(crate) mod service;
pub mod wire;

use chrono::{DateTime, Utc};

use crate::{RecordKind, json_columns::List};

words! {
    /// The state of a held deletion.
    pub enum HoldStatus {
        /// It waits for a person.
        Held = "held",
        /// The records were deleted.
        Approved = "approved",
        /// The records stay, as long as no more of the scope are missing.
        Rejected = "rejected",
        /// Nobody decided in time; a run that finds the same holds it anew.
        Expired = "expired",
    }
}

/// A held deletion.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct Hold {
    /// UUID.
    pub id: String,
    /// The source that no longer lists the records.
    pub source: String,
    /// Kind of record.
    pub kind: RecordKind,
    /// The part of the source's data, such as one site's devices.
    pub scope: String,
    /// Its state.
    pub status: HoldStatus,
    /// How many records are missing.
    pub missing: i64,
    /// How many the scope had.
    pub total: i64,
    /// The source's ids of the missing ones.
    pub external_ids: List<String>,
    /// Since when.
    pub held_at: DateTime<Utc>,
    /// Until when somebody may decide.
    pub expires_at: DateTime<Utc>,
    /// The job that found it last.
    pub job_id: String,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who decided.
    pub decided_by: Option<String>,
}
