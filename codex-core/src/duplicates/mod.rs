//! Duplicate candidates: two records that may be one. A person merges or rejects them.

#[cfg(feature = "sync")]
pub mod compare;
#[cfg(feature = "store")]
pub(crate) mod evidence;
#[cfg(feature = "store")]
pub(crate) mod found;
#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{RecordKind, json_columns::List};

/// From how many points on two records are merged, and from how many on a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matching {
    /// Points that make two devices one.
    pub merge_score: u16,
    /// Points that make two records a duplicate candidate.
    pub candidate_score: u16,
}

impl Default for Matching {
    fn default() -> Self {
        Self {
            merge_score: 80,
            candidate_score: 50,
        }
    }
}

/// One thing that speaks for two records being one, or against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    /// What was compared.
    #[schema(example = "serial_number")]
    pub fact: String,
    /// Its points; below zero when it speaks against it.
    #[schema(example = 50)]
    pub points: i64,
    /// The value in common, where there is one.
    #[schema(example = "sn000007")]
    pub value: Option<String>,
}

words! {
    /// The state of a duplicate candidate.
    pub enum DuplicateState {
        /// It waits for a person.
        Open = "open",
        /// The two are one record now.
        Merged = "merged",
        /// They are two; the pair is never proposed again.
        Rejected = "rejected",
    }
}

/// Kinds of record that are compared.
pub const KINDS: [RecordKind; 2] = [RecordKind::Asset, RecordKind::Contact];

/// Two records that may be one.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct Duplicate {
    /// Row id.
    pub id: i64,
    /// Kind of record.
    pub kind: RecordKind,
    /// Row id of the older record.
    pub record_a: i64,
    /// Row id of the newer record.
    pub record_b: i64,
    /// Points of the evidence.
    pub score: i64,
    /// What the two have in common.
    pub evidence: List<Fact>,
    /// Its state.
    pub state: DuplicateState,
    /// When the two were first found.
    pub first_seen: DateTime<Utc>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// The record that was kept, of merged ones.
    pub kept: Option<i64>,
}
