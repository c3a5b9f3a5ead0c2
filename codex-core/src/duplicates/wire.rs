//! Duplicate candidates as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Duplicate, DuplicateState, Fact};
use crate::RecordKind;

/// A duplicate candidate: two records that may be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DuplicateOut {
    /// When it was decided, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Who decided: a user, `service:<name>`, `source:<name>` for what a sync merged by itself.
    pub decided_by: Option<String>,
    /// What the two have in common, and what speaks against it.
    pub evidence: Vec<Fact>,
    /// When the two were first found.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub first_seen: DateTime<Utc>,
    /// Id.
    pub id: i64,
    /// Id of the record that was kept, of merged ones.
    pub kept: Option<i64>,
    /// Kind of record: `asset` or `contact`.
    #[schema(value_type = String, example = "asset")]
    pub kind: RecordKind,
    /// The older record.
    pub record_a: DuplicateRecord,
    /// The newer record.
    pub record_b: DuplicateRecord,
    /// Points of the evidence.
    #[schema(example = 50)]
    pub score: i64,
    /// Its state.
    pub state: DuplicateState,
}

/// One of the two records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DuplicateRecord {
    /// Account numbers of its companies.
    #[schema(example = json!(["100001"]))]
    pub company_account_numbers: Vec<String>,
    /// Id.
    pub id: i64,
    /// Whether it is there; a source may have stopped listing it.
    pub is_live: bool,
    /// Host name or name.
    pub name: Option<String>,
}

/// Which record of a duplicate candidate is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DuplicateMergeIn {
    /// Id of the record that is kept; the older one unless it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<i64>,
}

impl DuplicateOut {
    /// A candidate with its two records.
    pub fn new(
        duplicate: &Duplicate,
        record_a: Option<DuplicateRecord>,
        record_b: Option<DuplicateRecord>,
    ) -> Self {
        let gone = |id| DuplicateRecord {
            id,
            ..DuplicateRecord::default()
        };
        Self {
            decided_at: duplicate.decided_at,
            decided_by: duplicate.decided_by.clone(),
            evidence: duplicate.evidence.0.clone(),
            first_seen: duplicate.first_seen,
            id: duplicate.id,
            kept: duplicate.kept,
            kind: duplicate.kind,
            record_a: record_a.unwrap_or_else(|| gone(duplicate.record_a)),
            record_b: record_b.unwrap_or_else(|| gone(duplicate.record_b)),
            score: duplicate.score,
            state: duplicate.state,
        }
    }
}
