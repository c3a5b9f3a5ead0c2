//! Locations as JSON (contract 1.2.B).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use super::LocationIn;
use super::{Location, LocationFields};
use crate::{
    RecordKind, Result,
    companies::ComplianceLevel,
    records::{
        Intent, RecordBody,
        patch::{Form, as_it_is},
    },
};

/// An address of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocationOut {
    /// Postal address, one text.
    pub address: Option<String>,
    /// Compliance level of the company.
    pub company_compliance_level: ComplianceLevel,
    /// Id; it never changes.
    pub id: i64,
    /// Name.
    #[schema(example = "Main Office")]
    pub name: String,
    /// Telephone number.
    pub phone_number: Option<String>,
}

impl LocationOut {
    /// The wire form, with the compliance level of the company.
    pub fn new(location: &Location, compliance_level: ComplianceLevel) -> Self {
        Self {
            address: location.fields.address.clone(),
            company_compliance_level: compliance_level,
            id: location.id.0,
            name: location.fields.name.clone(),
            phone_number: location.fields.phone_number.clone(),
        }
    }
}

const FORM: Form = Form {
    kind: RecordKind::Location,
    fields: LocationFields::FIELDS,
    beside: &[],
    refused: &[("id", "is given by Codex")],
    rule: as_it_is,
};

impl RecordBody for LocationIn {
    fn read(body: Map<String, Value>, intent: Intent) -> Result<Self> {
        FORM.body(body, intent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LocationId;

    #[test]
    fn empty_location_has_contract_keys() {
        let location = Location {
            id: LocationId(4),
            fields: LocationFields::default(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            deleted_at: None,
        };
        assert_eq!(
            serde_json::to_string(&LocationOut::new(&location, ComplianceLevel::Standard)).unwrap(),
            r#"{"address":null,"company_compliance_level":"standard","id":4,"name":"","phone_number":null}"#
        );
    }
}
