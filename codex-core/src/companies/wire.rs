//! Companies as JSON (contract 1.2.B).

use std::collections::BTreeMap;

use chrono::Datelike as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use super::CompanyIn;
use super::{Company, CompanyFields, ComplianceLevel};
use crate::{
    RecordKind, Result,
    assets::wire::AssetOut,
    billing_plans,
    contacts::wire::ContactOut,
    dates::{self, EVENTS, LIVES},
    locations::wire::LocationOut,
    overrides::wire::{OverrideValue, read_all},
    records::{
        Intent, RecordBody,
        patch::{Form, both},
    },
    tickets::wire::CompanyTicketOut,
};

// Contract 1.2.B.
/// A client organisation. Its keys are fixed, because older modules read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CompanyOut {
    /// Links the company across systems; text, even where it looks like a number.
    #[schema(example = "100001")]
    pub account_number: String,
    /// Plan in force; empty when none is known.
    pub billing_plan: String,
    /// Main telephone number.
    pub company_main_number: Option<String>,
    /// When the company became a client.
    pub company_start_date: Option<String>,
    /// How strictly its data is treated.
    pub compliance_level: ComplianceLevel,
    /// End of the contract, `YYYY-MM-DD`.
    pub contract_end_date: Option<String>,
    /// Start of the contract.
    pub contract_start_date: Option<String>,
    /// `1 Year`, `2 Year`, `3 Year`, `Month to Month` or as the PSA spells it.
    pub contract_term_length: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// A JSON array of e-mail domains **inside a string**; null when there are none.
    #[schema(example = "[\"acme.example\"]")]
    pub domains: Option<String>,
    /// E-mail system in use.
    pub email_system: Option<String>,
    /// Name.
    pub name: String,
    /// Telephone system in use.
    pub phone_system: Option<String>,
    /// Kind of organisation.
    pub profit_or_non_profit: Option<String>,
    /// Support level.
    pub support_level: Option<String>,
}

/// A company with everything that it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompanyBundleOut {
    /// Its assets, by host name.
    pub assets: Vec<AssetOut>,
    /// The company.
    pub company: CompanyOut,
    /// Its contacts, by name.
    pub contacts: Vec<ContactOut>,
    /// Its locations.
    pub locations: Vec<LocationOut>,
    /// Its tickets, last changed first; only with `include_tickets=true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tickets: Option<Vec<CompanyTicketOut>>,
}

/// Another account number for a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenumberIn {
    /// Six digits.
    #[schema(example = "123456")]
    pub account_number: String,
}

/// A company that was renumbered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Renumbered {
    /// Its number now.
    pub account_number: String,
    /// The numbers that it had, the oldest first; they lead to it for ever.
    pub previous: Vec<String>,
}

impl From<&Company> for CompanyOut {
    fn from(company: &Company) -> Self {
        let fields = &company.fields;
        Self {
            account_number: fields.account_number.clone().unwrap_or_default(),
            // Ledger's dashboard fails on null (consumers 0 #2).
            billing_plan: fields.billing_plan.clone().unwrap_or_default(),
            company_main_number: fields.company_main_number.clone(),
            company_start_date: fields.company_start_date.clone(),
            compliance_level: company.compliance_level(),
            contract_end_date: fields.contract_end_date.clone(),
            contract_start_date: fields.contract_start_date.clone(),
            contract_term_length: fields.contract_term_length.clone(),
            description: fields.description.clone(),
            domains: fields.domains.to_wire(),
            email_system: fields.email_system.clone(),
            name: fields.name.clone(),
            phone_system: fields.phone_system.clone(),
            profit_or_non_profit: fields.profit_or_non_profit.clone(),
            support_level: fields.support_level.clone(),
        }
    }
}

impl CompanyOut {
    /// The same for a client user, who sees nothing of plans.
    pub fn for_client(mut self) -> Self {
        self.billing_plan = String::new();
        self.support_level = None;
        self
    }
}

/// A company as a caller may see it.
pub fn seen_by(company: &Company, scope: &crate::Scope) -> CompanyOut {
    let out = CompanyOut::from(company);
    if scope.role() == crate::Role::Client {
        out.for_client()
    } else {
        out
    }
}

/// A company of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct CompanyRow {
    /// Account number.
    pub account_number: Option<String>,
    /// Last day of the contract, `YYYY-MM-DD`.
    pub contract_end_date: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// E-mail system.
    pub email_system: Option<String>,
    /// Name.
    pub name: String,
    /// Telephone system.
    pub phone_system: Option<String>,
    /// Name of its billing plan.
    pub plan_selected: Option<String>,
}

/// The key of the account number.
const NUMBER: &str = "account_number";

const NEW: Form = Form {
    kind: RecordKind::Company,
    fields: CompanyFields::FIELDS,
    beside: &[(NUMBER, new_number)],
    refused: &[],
    rule,
};

const UPDATE: Form = Form {
    beside: &[],
    refused: &[(
        NUMBER,
        "an account number is not changed by an edit: it links other systems",
    )],
    ..NEW
};

impl RecordBody for CompanyIn {
    fn read(mut body: Map<String, Value>, intent: Intent) -> Result<Self> {
        if intent == Intent::Create {
            return NEW.body(body, intent);
        }
        // Whether a number is the company's own is judged where the company is known; see `CompanyIn::read_change`.
        let number = body.get(NUMBER).and_then(Value::as_str).map(str::to_owned);
        if number.is_some() {
            body.remove(NUMBER);
        }
        let mut company = update(body, number.is_some())?;
        if let Some(number) = number {
            company.account_number = number.into();
        }
        Ok(company)
    }
}

impl CompanyIn {
    /// Reads the body of a change of a company; its `own` account number may be sent, and is no change.
    ///
    /// # Errors
    /// [`crate::Error::Unprocessable`] with every fault, [`crate::Error::Invalid`] when the body states nothing.
    pub fn read_change(mut body: Map<String, Value>, own: Option<&str>) -> Result<Self> {
        let own = own.filter(|own| body.get(NUMBER).is_some_and(|number| number == own));
        if own.is_some() {
            body.remove(NUMBER);
        }
        let mut company = update(body, own.is_some())?;
        if let Some(own) = own {
            company.account_number = own.into();
        }
        Ok(company)
    }
}

/// A change of a company, and all of its overrides.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CompanyAndOverridesIn {
    /// What changes about the company; nothing is no fault.
    pub company: CompanyIn,
    /// Its overrides by key: those that it has under other keys are deleted.
    pub overrides: BTreeMap<String, OverrideValue>,
}

impl CompanyAndOverridesIn {
    /// Reads both parts of a body; see [`CompanyIn::read_change`].
    ///
    /// # Errors
    /// [`crate::Error::Unprocessable`] with every fault of both.
    pub fn read(company: Map<String, Value>, overrides: Value, own: Option<&str>) -> Result<Self> {
        let company = if company.is_empty() {
            Ok(CompanyIn::default())
        } else {
            CompanyIn::read_change(company, own)
        };
        let (company, overrides) = both(company, read_all(overrides))?;
        Ok(Self { company, overrides })
    }
}

fn update(body: Map<String, Value>, states_more: bool) -> Result<CompanyIn> {
    if states_more && body.is_empty() {
        return Ok(CompanyIn::default());
    }
    UPDATE.body(body, Intent::Update)
}

/// The account number of a new company; null and an empty text ask for a free one.
fn new_number(value: Value) -> std::result::Result<Value, String> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
        Value::String(text) if is_account_number(text.trim()) => Ok(text.trim().into()),
        _ => Err("must be a text of six digits".into()),
    }
}

/// Whether a text is an account number as it is given today.
pub(crate) fn is_account_number(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn rule(key: &str, value: Value) -> std::result::Result<Value, String> {
    match (key, value) {
        ("compliance_level", Value::String(level)) => {
            let level = ComplianceLevel::parse(&level.to_lowercase());
            let level = level.ok_or("must be standard, cjis or hipaa")?;
            Ok(level.name().into())
        }
        ("contract_start_date" | "contract_end_date", Value::String(text)) => {
            dates::check(&text, &EVENTS).map(|()| text.trim().into())
        }
        // A founding is known by its year, or not so exactly; a date must be one that can be true.
        ("company_start_date", Value::String(text))
            if dates::day(&text).is_some_and(|day| !LIVES.contains(&day.year())) =>
        {
            dates::check(&text, &LIVES).map(|()| text.into())
        }
        #[cfg(feature = "sync")]
        ("timezone", Value::String(text)) => match text.trim().parse::<chrono_tz::Tz>() {
            Ok(zone) => Ok(zone.name().into()),
            Err(_) => Err("must be the IANA name of a time zone, such as Europe/Berlin".into()),
        },
        // Ledger looks for the plan of just this spelling.
        ("contract_term_length", Value::String(text)) => Ok(billing_plans::term(&text).into()),
        // Forms send texts.
        ("head_user_id" | "prime_user_id", Value::String(text)) => {
            let id = text.trim().parse::<i64>();
            id.map(Value::from)
                .map_err(|_| "must be a whole number".into())
        }
        ("domains", Value::Null) => Ok(Value::Array(Vec::new())),
        ("domains", Value::String(text)) => match serde_json::from_str(&text) {
            Ok(list @ Value::Array(_)) => Ok(list),
            _ => Err("must be a list of domains".into()),
        },
        (_, value) => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::CompanyId, json_columns::List, records::Patch};

    fn body(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn update_errors_name_the_key() {
        let refused = |value: Value| {
            CompanyIn::read_change(body(&value), Some("100001"))
                .unwrap_err()
                .to_string()
        };
        assert!(refused(serde_json::json!({})).starts_with("body: "));
        let two = refused(serde_json::json!({"id": 1, "compliance_level": "x"}));
        assert!(
            two.contains("id: ") && two.contains("compliance_level: "),
            "{two}"
        );
        for key in ["account_number", "id", "head_name"] {
            let text = refused(serde_json::json!({ key: "x" }));
            assert!(text.starts_with(&format!("{key}: ")), "{text}");
        }
        assert!(refused(serde_json::json!({"name": " "})).starts_with("name: "));
        assert!(refused(serde_json::json!({"compliance_level": "x"})).contains("hipaa"));
        assert!(refused(serde_json::json!({"domains": "a.test"})).starts_with("domains: "));
    }

    /// An empty text counts as null.
    #[test]
    fn update_distinguishes_absent_from_null() {
        let edit = CompanyIn {
            address: Patch::Null,
            description: "".into(),
            compliance_level: "HIPAA".into(),
            domains: vec!["a.test".to_owned()].into(),
            ..CompanyIn::default()
        };
        assert_eq!(
            Value::Object(edit.checked(Intent::Update).unwrap()),
            serde_json::json!({"address": null, "description": null, "compliance_level": "hipaa",
                "domains": ["a.test"]})
        );
    }

    fn out(fields: CompanyFields) -> CompanyOut {
        CompanyOut::from(&Company {
            id: CompanyId(7),
            fields,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            deleted_at: None,
            tags: Vec::new(),
        })
    }

    #[test]
    fn empty_company_has_contract_keys_and_neutral_values() {
        assert_eq!(
            serde_json::to_string(&out(CompanyFields::default())).unwrap(),
            r#"{"account_number":"","billing_plan":"","company_main_number":null,"#.to_owned()
                + r#""company_start_date":null,"compliance_level":"standard","#
                + r#""contract_end_date":null,"contract_start_date":null,"#
                + r#""contract_term_length":null,"description":null,"domains":null,"#
                + r#""email_system":null,"name":"","phone_system":null,"#
                + r#""profit_or_non_profit":null,"support_level":null}"#
        );
    }

    #[test]
    fn domains_are_json_inside_a_string() {
        let fields = CompanyFields {
            domains: List(vec!["a.test".into(), "b.test".into()]),
            ..CompanyFields::default()
        };
        assert_eq!(
            out(fields).domains.as_deref(),
            Some(r#"["a.test","b.test"]"#)
        );
    }

    #[test]
    fn clients_see_no_plan_or_support_level() {
        let fields = CompanyFields {
            billing_plan: Some("Gold".into()),
            support_level: Some("Unlimited".into()),
            ..CompanyFields::default()
        };
        assert_eq!(out(fields.clone()).billing_plan, "Gold");
        let seen = out(fields).for_client();
        assert_eq!((seen.billing_plan.as_str(), seen.support_level), ("", None));
    }
}
