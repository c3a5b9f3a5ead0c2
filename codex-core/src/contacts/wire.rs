//! Contacts as JSON (contract 1.2.B).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Contact;

/// A person at a client company. Its keys are fixed (contract 1.2.B); `email` is always there, or
/// Ledger takes the contact for one entered by hand (consumers.md 0 #4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactOut {
    /// Whether the person is active.
    pub active: bool,
    /// The strictest compliance level of the person's companies.
    #[schema(example = "standard")]
    pub company_compliance_level: String,
    /// Primary e-mail address; empty when none is known.
    pub email: String,
    /// Kind of employment.
    #[schema(example = "Full Time")]
    pub employment_type: String,
    /// Id, stable for ever.
    pub id: i64,
    /// Mobile number.
    pub mobile_phone_number: Option<String>,
    /// Full name.
    pub name: String,
    /// A JSON array of further addresses **inside a string**; null when there are none.
    pub secondary_emails: Option<String>,
    /// Position.
    pub title: Option<String>,
    /// Work number.
    pub work_phone_number: Option<String>,
}

impl ContactOut {
    /// The wire form, with the compliance level of the company or companies.
    pub fn new(contact: &Contact, compliance_level: &str) -> Self {
        let fields = &contact.fields;
        Self {
            active: fields.active.unwrap_or(true),
            company_compliance_level: compliance_level.to_owned(),
            // Text in the contract; a consumer that folds it would fail on null.
            email: fields.email.clone().unwrap_or_default(),
            employment_type: fields
                .employment_type
                .clone()
                .unwrap_or_else(|| "Full Time".into()),
            id: contact.id.0,
            mobile_phone_number: fields.mobile_phone_number.clone(),
            name: fields.name.clone(),
            secondary_emails: fields.secondary_emails.to_wire(),
            title: fields.job_title.clone(),
            work_phone_number: fields.work_phone_number.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contacts::ContactFields, ids::ContactId, list::List};

    fn out(fields: ContactFields) -> ContactOut {
        let contact = Contact {
            id: ContactId(9),
            fields,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            deleted_at: None,
        };
        ContactOut::new(&contact, "hipaa")
    }

    #[test]
    fn a_contact_of_whom_nothing_is_known_has_the_contracts_keys_in_order_and_neutral_values() {
        assert_eq!(
            serde_json::to_string(&out(ContactFields::default())).unwrap(),
            r#"{"active":true,"company_compliance_level":"hipaa","email":"","#.to_owned()
                + r#""employment_type":"Full Time","id":9,"mobile_phone_number":null,"name":"","#
                + r#""secondary_emails":null,"title":null,"work_phone_number":null}"#
        );
    }

    #[test]
    fn title_is_the_job_title_and_further_addresses_are_json_inside_a_string() {
        let out = out(ContactFields {
            active: Some(false),
            job_title: Some("Paralegal".into()),
            secondary_emails: List(vec!["a@b.test".into()]),
            ..ContactFields::default()
        });
        assert!(!out.active);
        assert_eq!(out.title.as_deref(), Some("Paralegal"));
        assert_eq!(out.secondary_emails.as_deref(), Some(r#"["a@b.test"]"#));
    }
}
