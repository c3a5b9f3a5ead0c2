//! Contacts as JSON (contract 1.2.B).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Contact, ContactFields, ShownContact};
use crate::{
    Result, email,
    ids::AssetId,
    records::patch::{Form, sound, take_ids, take_texts},
};

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
    pub(crate) fn shown(contact: ShownContact, compliance_level: &str) -> Self {
        let employment_type = contact.employment_type;
        Self {
            active: contact.active.unwrap_or(true),
            company_compliance_level: compliance_level.to_owned(),
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

/// A contact as it is sent. A key that is absent stays as it is, null blanks; so does an empty text.
///
/// The outer `None` leaves a key out, the inner one sends null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[expect(
    missing_docs,
    reason = "each is the field of the same name in `ContactOut` or `ContactFields`"
)]
#[serde(default)]
pub struct ContactIn {
    /// Full name; made of the given and the family name when those are sent alone. A new contact needs one
    /// of the three, or an e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// An e-mail address.
    #[schema(format = "email")]
    pub email: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employment_type: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile_phone_number: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_phone_number: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_name: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_format: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_information: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_number: Option<Option<String>>,
    /// Position; `title` is taken too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Option<String>>,
    /// Further e-mail addresses; a JSON array inside a string, or addresses with commas between, are taken too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary_emails: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<Option<bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vip_user: Option<Option<bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_agent: Option<Option<bool>>,
    /// The companies that the person is at, in place of all before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_account_numbers: Option<Vec<String>>,
    /// The assets that the person uses, in place of all before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_ids: Option<Vec<i64>>,
}

/// A row of many contacts that are written at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ContactBulkIn {
    /// Which contact to correct; none for a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// What it states.
    #[serde(flatten)]
    pub contact: ContactIn,
}

const FORM: Form = Form {
    kind: "contact",
    fields: ContactFields::FIELDS,
    beside: &[],
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

/// What a body states of a contact.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stated {
    /// Tracked fields.
    pub fields: Map<String, Value>,
    /// Account numbers of all companies.
    pub companies: Option<Vec<String>>,
    /// Ids of all assets.
    pub assets: Option<Vec<AssetId>>,
}

/// Reads a body; `name` gives the parts that a contact has already when only one of them is stated.
///
/// # Errors
/// [`crate::Error::Unprocessable`] with every fault.
pub fn stated(mut body: Map<String, Value>, before: Option<&ContactFields>) -> Result<Stated> {
    let mut faults = Vec::new();
    let companies = take_texts(&mut body, "company_account_numbers", &mut faults);
    let assets = take_ids(&mut body, "asset_ids", &mut faults);
    if let Some(title) = body.remove("title") {
        body.entry("job_title").or_insert(title);
    }
    name(&mut body, before);
    let fields = if before.is_none() {
        FORM.new_record::<ContactFields>(body)
    } else {
        FORM.change_beside::<ContactFields>(body, companies.is_some() || assets.is_some())
    };
    Ok(Stated {
        fields: sound(fields, faults)?,
        companies,
        assets,
    })
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
    use super::*;
    use crate::{contacts::ContactFields, ids::ContactId, json_columns::List};

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
    fn empty_contact_has_contract_keys_and_neutral_values() {
        assert_eq!(
            serde_json::to_string(&out(ContactFields::default())).unwrap(),
            r#"{"active":true,"company_compliance_level":"hipaa","email":"","#.to_owned()
                + r#""employment_type":"Full Time","id":9,"mobile_phone_number":null,"name":"","#
                + r#""secondary_emails":null,"title":null,"work_phone_number":null}"#
        );
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
