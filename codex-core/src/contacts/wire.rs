//! Contacts as JSON (contract 1.2.B).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use super::ContactIn;
use super::{Contact, ContactFields, ShownContact};
use crate::{
    RecordKind, Result,
    companies::{COMPANY_NUMBERS, ComplianceLevel},
    email,
    records::{
        Intent, Patch, RecordBody,
        patch::{Form, ids, texts},
    },
};

// Contract 1.2.B, consumers 0 #4.
/// A person at a client company. Its keys are fixed. `email` is always present, because Ledger takes a contact without
/// it for a manual record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactOut {
    /// Whether the person is active.
    pub active: bool,
    /// The strictest compliance level of the person's companies.
    pub company_compliance_level: ComplianceLevel,
    /// Primary e-mail address; empty when none is known.
    pub email: String,
    /// Kind of employment.
    #[schema(example = "Full Time")]
    pub employment_type: String,
    /// Id; it never changes.
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
    pub fn new(contact: &Contact, compliance_level: ComplianceLevel) -> Self {
        let fields = &contact.fields;
        let shown = ShownContact {
            id: contact.id,
            active: fields.active,
            email: fields.email.clone(),
            employment_type: fields.employment_type.clone(),
            job_title: fields.job_title.clone(),
            mobile_phone_number: fields.mobile_phone_number.clone(),
            name: fields.name.clone(),
            secondary_emails: fields.secondary_emails.clone(),
            work_phone_number: fields.work_phone_number.clone(),
        };
        Self::shown(shown, compliance_level)
    }

    /// The wire form of what is shown.
    pub(crate) fn shown(contact: ShownContact, compliance_level: ComplianceLevel) -> Self {
        let employment_type = contact.employment_type;
        Self {
            active: contact.active.unwrap_or(true),
            company_compliance_level: compliance_level,
            // Text in the contract; a consumer that folds it would fail on null.
            email: contact.email.unwrap_or_default(),
            employment_type: employment_type.unwrap_or_else(|| "Full Time".into()),
            id: contact.id.0,
            mobile_phone_number: contact.mobile_phone_number,
            name: contact.name,
            secondary_emails: contact.secondary_emails.to_wire(),
            title: contact.job_title,
            work_phone_number: contact.work_phone_number,
        }
    }
}

/// A contact of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct ContactRow {
    /// Whether the contact is active.
    pub active: Option<bool>,
    /// Number of its companies that the caller may see.
    // Of those companies that the caller sees; counted after the row is read.
    #[cfg_attr(feature = "store", sqlx(default))]
    pub company_count: i64,
    /// E-mail address.
    pub email: Option<String>,
    /// Id; it never changes.
    pub id: i64,
    /// Mobile telephone number.
    pub mobile_phone_number: Option<String>,
    /// Name.
    pub name: String,
    /// Telephone number at work.
    pub work_phone_number: Option<String>,
}

/// A row of many contacts that are written at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ContactBulkIn {
    /// Which contact to update; absent for a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// What it states.
    #[serde(flatten)]
    pub contact: ContactIn,
}

const FORM: Form = Form {
    kind: RecordKind::Contact,
    fields: ContactFields::FIELDS,
    beside: &[(COMPANY_NUMBERS, texts), ("asset_ids", ids)],
    refused: &[("id", "is given by Codex")],
    rule,
};

fn rule(key: &str, value: Value) -> std::result::Result<Value, String> {
    match (key, value) {
        ("email", value) => email::check(value),
        ("secondary_emails", Value::Null) => Ok(Value::Array(Vec::new())),
        ("secondary_emails", Value::String(text)) => {
            if let Ok(Value::Array(list)) = serde_json::from_str(&text) {
                return addresses(list);
            }
            let each = text.split(',').map(str::trim);
            let each = each.filter(|part| !part.is_empty());
            addresses(each.map(Value::from).collect())
        }
        ("secondary_emails", Value::Array(list)) => addresses(list),
        (_, value) => Ok(value),
    }
}

/// A list of e-mail addresses; what is no text is left to the check of types.
fn addresses(list: Vec<Value>) -> std::result::Result<Value, String> {
    let each = list.into_iter().enumerate().map(|(index, value)| {
        let checked = email::check(value);
        checked.map_err(|fault| format!("address {}: {fault}", index + 1))
    });
    each.collect()
}

impl RecordBody for ContactIn {
    fn read(mut body: Map<String, Value>, intent: Intent) -> Result<Self> {
        if intent == Intent::Create {
            return read(body, None);
        }
        // The name that follows from its parts is made where the contact is known. Until then what it is made of stays
        // as it was sent: a part that is an empty text makes another name, a part that is null makes none.
        let is_stated = |key: &str| body.get(key).is_some_and(|part| !part.is_null());
        let is_unnamed = body.get("name").is_some_and(Value::is_null)
            && (is_stated("first_name") || is_stated("last_name"));
        let [first_name, last_name] = ["first_name", "last_name"].map(|key| {
            let text = body.get(key).and_then(Value::as_str);
            text.filter(|text| text.trim().is_empty())
                .map(str::to_owned)
        });
        if is_unnamed {
            body.remove("name");
        }
        let mut contact: Self = FORM.body(one_title(body), intent)?;
        if is_unnamed {
            contact.name = Patch::Null;
        }
        if let Some(text) = first_name {
            contact.first_name = text.into();
        }
        if let Some(text) = last_name {
            contact.last_name = text.into();
        }
        Ok(contact)
    }
}

/// Reads the body of a new contact, or that of a change of one that was so `before`: a part of a name that is stated
/// alone makes a name with the part that the contact has already.
///
/// # Errors
/// [`crate::Error::Unprocessable`] with every fault.
pub(crate) fn read(
    mut body: Map<String, Value>,
    before: Option<&ContactFields>,
) -> Result<ContactIn> {
    name(&mut body, before);
    let intent = before.map_or(Intent::Create, |_| Intent::Update);
    FORM.body(one_title(body), intent)
}

/// The position under one key.
fn one_title(mut body: Map<String, Value>) -> Map<String, Value> {
    if let Some(title) = body.remove("title") {
        body.entry("job_title").or_insert(title);
    }
    body
}

/// A name of its parts, where they are stated and it is not.
fn name(body: &mut Map<String, Value>, before: Option<&ContactFields>) {
    let has = |key: &str| body.get(key).is_some_and(|value| !value.is_null());
    if has("name") || (before.is_some() && !has("first_name") && !has("last_name")) {
        return;
    }
    let part = |key: &str, old: Option<&String>| match body.get(key) {
        Some(value) => value.as_str().map(str::to_owned),
        None => old.cloned(),
    };
    let first = part(
        "first_name",
        before.and_then(|fields| fields.first_name.as_ref()),
    );
    let last = part(
        "last_name",
        before.and_then(|fields| fields.last_name.as_ref()),
    );
    let parts: Vec<String> = [first, last].into_iter().flatten().collect();
    let full = parts.join(" ").trim().to_owned();
    let email = body.get("email").and_then(Value::as_str);
    let name = if full.is_empty() {
        email.unwrap_or_default().to_owned()
    } else {
        full
    };
    if !name.is_empty() {
        body.insert("name".into(), name.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{contacts::ContactFields, ids::ContactId, json_columns::List};

    fn out(fields: ContactFields) -> ContactOut {
        let contact = Contact {
            id: ContactId(9),
            fields,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            deleted_at: None,
            tags: Vec::new(),
        };
        ContactOut::new(&contact, ComplianceLevel::Hipaa)
    }

    #[test]
    fn empty_contact_has_contract_keys_and_neutral_values() {
        assert_eq!(
            serde_json::to_string(&out(ContactFields::default())).unwrap(),
            r#"{"active":true,"company_compliance_level":"hipaa","email":"","#.to_owned()
                + r#""employment_type":"Full Time","id":9,"mobile_phone_number":null,"name":"","#
                + r#""secondary_emails":null,"title":null,"work_phone_number":null}"#
        );
    }

    #[test]
    fn name_of_a_change_is_made_where_its_parts_are_known() {
        let sent = json!({"name": null, "first_name": " ", "title": "Chief"});
        let edit = ContactIn::read(sent.as_object().unwrap().clone(), Intent::Update).unwrap();
        assert_eq!(edit.name, Patch::Null);
        assert_eq!(edit.job_title, Patch::Value("Chief".to_owned()));
        let before = ContactFields {
            first_name: Some("Ann".into()),
            last_name: Some("Lee".into()),
            ..ContactFields::default()
        };
        let contact = read(edit.stated().unwrap(), Some(&before)).unwrap();
        assert_eq!(contact.name, Patch::Value("Lee".to_owned()));
        assert_eq!(contact.first_name, Patch::Null);
    }

    #[test]
    fn title_is_the_job_title_and_secondary_emails_are_json() {
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
