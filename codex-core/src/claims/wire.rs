//! Claims as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::ClaimedResource;

/// What is stated about a record, and by whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordClaimsOut {
    /// Every field, by name.
    pub fields: Vec<FieldClaimsOut>,
    /// What names the record in paths: an id, an account number, a ticket's number.
    #[schema(example = "100001")]
    pub id: String,
    /// The resource.
    pub resource: ClaimedResource,
    /// Which sources have the record, the strongest first.
    pub sources: Vec<SourceRecordOut>,
}

impl RecordClaimsOut {
    /// A field that a person has set; `None` when nobody has.
    pub fn manual(&self, field: &str) -> Option<&FieldClaimsOut> {
        let found = self.fields.iter().find(|known| known.field == field);
        found.filter(|field| field.has_manual_value())
    }
}

/// A field of a record: its value, and what each source states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldClaimsOut {
    /// Its name.
    #[schema(example = "name")]
    pub field: String,
    /// What other claims state, the strongest first.
    pub others: Vec<OtherClaimOut>,
    /// Since when the record has this value, RFC 3339; null when the change log does not say.
    pub since: Option<DateTime<Utc>>,
    /// The source whose value it is: `manual` for people. Null when no source states it, or when a rule of
    /// Codex replaced what the source states.
    #[schema(example = "freshservice")]
    pub source: Option<String>,
    /// The value that the record has.
    pub value: Value,
}

impl FieldClaimsOut {
    /// Whether a person has set it, be it the value that wins or not.
    pub fn has_manual_value(&self) -> bool {
        let others = self.others.iter().map(|other| other.source.as_str());
        self.source
            .as_deref()
            .into_iter()
            .chain(others)
            .any(|source| source == "manual")
    }
}

/// A value that did not win.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OtherClaimOut {
    /// The source's id of the record; null of people.
    pub external_id: Option<String>,
    /// The source: `manual` for people.
    #[schema(example = "datto")]
    pub source: String,
    /// The value; null is a value too.
    pub value: Value,
}

/// A record as a source has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceRecordOut {
    /// The source's id of the record; null of people.
    pub external_id: Option<String>,
    /// When the source first had it.
    pub first_seen: DateTime<Utc>,
    /// Since when the source no longer has it; of people: when a person deleted the record.
    pub gone_at: Option<DateTime<Utc>>,
    /// The source: `manual` for people.
    #[schema(example = "freshservice")]
    pub source: String,
    /// When the source's own record last changed, as the source says; null when it does not say.
    pub source_updated_at: Option<DateTime<Utc>>,
}
