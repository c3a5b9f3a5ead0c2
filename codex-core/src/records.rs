//! What records of all kinds have in common, as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::bulk::BulkOut;

/// A record that a person has deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletedOut {
    /// When.
    pub deleted_at: DateTime<Utc>,
    /// By whom: a user's Keycloak id, or `service:<name>`; null when the log no longer says.
    pub deleted_by: Option<String>,
    /// Id of the record.
    pub id: i64,
    /// Kind of record.
    #[schema(example = "contact")]
    pub kind: String,
    /// What it was called; null when it had no name.
    pub name: Option<String>,
}

/// What a call with `dry_run=true` would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DryRunOut {
    /// The changes in order.
    pub changes: Vec<ChangeOut>,
    /// Always true: nothing was changed.
    pub dry_run: bool,
    /// Of a call with many rows: what would become of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<BulkOut>,
}

/// A change of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeOut {
    /// Fields that differ, each with `before` and `after`.
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
    /// Kind of record.
    #[schema(example = "company")]
    pub kind: String,
    /// `create`, `update`, `delete` or `restore`.
    #[schema(example = "update")]
    pub op: String,
    /// Id of the record; of a new one the id that it would have had.
    pub record_id: i64,
}
