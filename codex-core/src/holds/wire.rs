//! Held deletions as JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Hold, HoldStatus};
use crate::plural::{agree, count_of};

/// A held deletion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldOut {
    /// When it was decided, RFC 3339 in UTC.
    pub decided_at: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Until when somebody may decide.
    pub expires_at: String,
    /// The source's ids of the missing records.
    pub external_ids: Vec<String>,
    /// Since when.
    pub held_at: String,
    /// UUID.
    pub id: String,
    /// The job that found it last.
    pub job_id: String,
    /// Kind of record.
    #[schema(example = "asset")]
    pub kind: String,
    /// How many records are missing.
    pub missing: i64,
    /// Why it waits, for people.
    pub reason: String,
    /// The part of the source's data.
    #[schema(example = "departments")]
    pub scope: String,
    /// The source.
    #[schema(example = "freshservice")]
    pub source: String,
    /// How it stands.
    pub status: HoldStatus,
    /// How many the scope had.
    pub total: i64,
}

impl From<&Hold> for HoldOut {
    fn from(hold: &Hold) -> Self {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, false);
        Self {
            decided_at: hold.decided_at.map(text),
            decided_by: hold.decided_by.clone(),
            expires_at: text(hold.expires_at),
            external_ids: hold.external_ids.0.clone(),
            held_at: text(hold.held_at),
            id: hold.id.clone(),
            job_id: hold.job_id.clone(),
            kind: hold.kind.clone(),
            missing: hold.missing,
            reason: format!(
                "{} of {} of {} {} no longer listed, although the list was whole",
                hold.missing,
                count_of(hold.total, &format!("{} record", hold.kind)),
                hold.scope,
                agree(hold.missing, "was", "were")
            ),
            scope: hold.scope.clone(),
            source: hold.source.clone(),
            status: hold.status,
            total: hold.total,
        }
    }
}
