//! Companies: the client organisations of the MSP.

#[cfg(feature = "store")]
pub(crate) mod aliases;
mod compliance;
#[cfg(feature = "store")]
pub(crate) mod numbers;
#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use chrono::{DateTime, Utc};

use crate::{fold::SearchKey, ids::CompanyId, json_columns::List};
pub use compliance::{ComplianceLevel, strictest};

record! {
    /// What is tracked about a company (contract 2.1).
    pub struct CompanyFields in "companies" {
        /// The number that links systems, as text; unique, never reused; `None` until one is assigned.
        account_number: Option<String> = field().everyone().indexed().listed().always(),
        /// Name as the PSA has it.
        name: String = field().everyone().required().indexed().folded("companies.name_fold").always(),
        /// Free text.
        description: Option<String> = field().everyone().editable().listed(),
        /// `standard`, `cjis` or `hipaa`; local only, `None` means standard.
        compliance_level: Option<String> = field().everyone().editable().listed(),
        /// The PSA's department id.
        external_id: Option<i64> = field().listed(),
        /// The PSA that `external_id` belongs to.
        external_source: Option<String> = field(),
        /// PSA user id of the head of the company.
        head_user_id: Option<i64> = field().editable(),
        /// Name of the head of the company.
        head_name: Option<String> = field(),
        /// PSA user id of the prime contact.
        prime_user_id: Option<i64> = field().editable(),
        /// Name of the prime contact.
        prime_user_name: Option<String> = field(),
        /// E-mail domains.
        domains: List<String> = field().everyone().editable(),
        /// PSA workspace.
        workspace_id: Option<i64> = field(),
        /// The plan as selected in the PSA.
        plan_selected: Option<String> = field(),
        /// Billing plan in force: what a person set, else `plan_selected` (contract D-09).
        billing_plan: Option<String> = field().editable().listed(),
        /// Managed users, free text.
        managed_users: Option<String> = field().editable(),
        /// Managed devices, free text.
        managed_devices: Option<String> = field().editable(),
        /// Managed network, free text.
        managed_network: Option<String> = field().editable(),
        /// Contract term as the PSA spells it.
        contract_term: Option<String> = field(),
        /// Contract term as `1 Year`, `2 Year`, `3 Year`, `Month to Month` or as spelled.
        contract_term_length: Option<String> = field().everyone().editable().listed(),
        /// Start of the contract, usually ISO.
        contract_start_date: Option<String> = field().everyone().editable().listed(),
        /// End of the contract, `YYYY-MM-DD`.
        contract_end_date: Option<String> = field().everyone().editable().listed(),
        /// `Billed Hourly`, `Unlimited` or as set.
        support_level: Option<String> = field().editable().listed(),
        /// Kind of organisation.
        profit_or_non_profit: Option<String> = field().everyone().editable().listed(),
        /// Main telephone number.
        company_main_number: Option<String> = field().everyone().editable().listed(),
        /// Postal address, one text.
        address: Option<String> = field().editable(),
        /// When the company became a client, free text.
        company_start_date: Option<String> = field().everyone().editable(),
        /// Telephone system in use.
        phone_system: Option<String> = field().everyone().editable().listed(),
        /// E-mail system in use.
        email_system: Option<String> = field().everyone().editable().listed(),
        /// Link to the company in the Datto portal.
        datto_portal_url: Option<String> = field().editable(),
    }
    derived {
        /// Folded name, for search and order.
        name_fold: SearchKey,
    }
}

/// A client organisation.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct Company {
    /// Row id.
    pub id: CompanyId,
    /// Tracked fields.
    #[cfg_attr(feature = "store", sqlx(flatten))]
    pub fields: CompanyFields,
    /// When the record was made here.
    pub created_at: DateTime<Utc>,
    /// When a tracked field last changed.
    pub updated_at: DateTime<Utc>,
    /// When the record was deleted, if it was.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Names of its tags, by name; read on request, for staff.
    #[cfg_attr(feature = "store", sqlx(skip))]
    pub tags: Vec<String>,
}

/// What a record shows of its company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanyRef {
    /// Account number; `None` until one is assigned.
    pub account_number: Option<String>,
    /// Name.
    pub name: String,
    /// How strictly its data is treated.
    pub compliance_level: ComplianceLevel,
}

/// The field of a record that holds the row id of its company. Legacy routes have a parameter of this name, which holds
/// an account number.
pub const COMPANY_ID: &str = "company_id";
/// What stands in its place outside: an account number, in answers, bodies, filters, claims and changes.
pub const COMPANY_NUMBER: &str = "company_account_number";
/// The field of a contact that holds the row ids of its companies.
pub const COMPANY_IDS: &str = "company_ids";
/// What stands in its place outside.
pub const COMPANY_NUMBERS: &str = "company_account_numbers";

/// The compliance level of a record's company, where it has one.
pub fn level_of(company: Option<&CompanyRef>) -> ComplianceLevel {
    company
        .map(|company| company.compliance_level)
        .unwrap_or_default()
}

impl Company {
    /// How strictly its data is treated.
    pub fn compliance_level(&self) -> ComplianceLevel {
        ComplianceLevel::of_stored(self.fields.compliance_level.as_deref())
    }
}
