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
    /// Primary e-mail address.
    pub email: Option<String>,
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
            email: fields.email.clone(),
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
