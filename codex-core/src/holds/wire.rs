//! Held deletions as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Hold, HoldStatus};
use crate::{
    RecordKind,
    plural::{agree, count_of},
};

/// A held deletion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldOut {
    /// When it was decided, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Until when somebody may decide.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub expires_at: DateTime<Utc>,
    /// The source's ids of the missing records.
    pub external_ids: Vec<String>,
    /// Since when.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub held_at: DateTime<Utc>,
    /// UUID.
    pub id: String,
    /// The job that found it last.
    pub job_id: String,
    /// Kind of record.
    #[schema(value_type = String, example = "asset")]
    pub kind: RecordKind,
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
    /// Its state.
    pub status: HoldStatus,
    /// How many the scope had.
    pub total: i64,
}

impl From<&Hold> for HoldOut {
    fn from(hold: &Hold) -> Self {
        Self {
            decided_at: hold.decided_at,
            decided_by: hold.decided_by.clone(),
            expires_at: hold.expires_at,
            external_ids: hold.external_ids.0.clone(),
            held_at: hold.held_at,
            id: hold.id.clone(),
            job_id: hold.job_id.clone(),
            kind: hold.kind,
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
