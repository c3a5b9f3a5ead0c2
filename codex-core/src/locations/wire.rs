//! Locations as JSON (contract 1.2.B).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Location, LocationFields};
use crate::{
    Result,
    companies::ComplianceLevel,
    records::patch::{Form, as_it_is},
};

/// An address of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocationOut {
    /// Postal address, one text.
    pub address: Option<String>,
    /// Compliance level of the company.
    pub company_compliance_level: ComplianceLevel,
    /// Id, stable for ever.
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

/// A location as it is sent. A key that is absent stays as it is, null blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(default)]
pub struct LocationIn {
    /// Name; a new location needs one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Main Office")]
    pub name: Option<String>,
    /// Postal address, one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Option<String>>,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<Option<String>>,
}

const FORM: Form = Form {
    kind: "location",
    fields: LocationFields::FIELDS,
    refused: &[("id", "is given by Codex")],
    rule: as_it_is,
};

/// The fields that a body states.
///
/// # Errors
/// [`crate::Error::Unprocessable`] with every fault.
pub fn stated(body: Map<String, Value>, new: bool) -> Result<Map<String, Value>> {
    if new {
        FORM.new_record::<LocationFields>(body)
    } else {
        FORM.change::<LocationFields>(body)
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
