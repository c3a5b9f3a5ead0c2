//! What records of all kinds have in common, as JSON.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::RecordKind;

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
    #[schema(value_type = String, example = "contact")]
    pub kind: RecordKind,
    /// What it was called; null when it had no name.
    pub name: Option<String>,
}

words! {
    /// What happens to a record.
    pub enum ChangeOp {
        /// It is created.
        Create = "create",
        /// Some of its fields change.
        Update = "update",
        /// It is deleted; its row stays.
        Delete = "delete",
        /// It is live again.
        Restore = "restore",
    }
}

impl fmt::Display for ChangeOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A change of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeOut {
    /// Account number of the company that changes; absent for other kinds, and for a company without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "100001")]
    pub company_account_number: Option<String>,
    /// Fields that differ, each with `before` and `after`.
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
    /// Kind of record.
    #[schema(example = "company")]
    pub kind: String,
    /// What happens to the record.
    pub op: ChangeOp,
    /// Id of the record; of a new one the id that it would have had. Null for a company, which
    /// `company_account_number` names.
    pub record_id: Option<i64>,
}

impl fmt::Display for ChangeOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.record_id.map(|id| id.to_string());
        let record = id.or_else(|| self.company_account_number.clone());
        let record = record.as_deref().unwrap_or("without a number");
        in_words(f, self.op, &self.kind, record, &self.fields)
    }
}

/// A change in one line: a new record by its name, another by what names it, with the fields that differ.
pub(crate) fn in_words(
    f: &mut fmt::Formatter<'_>,
    op: ChangeOp,
    kind: &str,
    record: impl fmt::Display,
    fields: &Map<String, Value>,
) -> fmt::Result {
    if op == ChangeOp::Create {
        let names = [
            "name",
            "hostname",
            "subject",
            "site_uid",
            "username",
            "email",
            "last_name",
        ];
        let name = names
            .iter()
            .find_map(|name| fields.get(*name)?["after"].as_str());
        return write!(f, "{op} {kind} `{}`", name.unwrap_or("without a name"));
    }
    let names: Vec<_> = fields.keys().map(String::as_str).collect();
    write!(f, "{op} {kind} {record} ({})", names.join(", "))
}
