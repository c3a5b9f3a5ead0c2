//! Companies: the client organisations of the MSP.

#[cfg(feature = "store")]
pub(crate) mod aliases;
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
    /// `standard`, `cjis` or `hipaa`.
    pub compliance_level: String,
}

/// The compliance level of a company of which nothing else is known (contract 1.2.B).
pub const STANDARD: &str = "standard";

/// The compliance levels, the strictest last.
pub const LEVELS: [&str; 3] = [STANDARD, "hipaa", "cjis"];

/// The strictest of several compliance levels: what Brainhair redacts by (consumers.md 7).
pub fn strictest<'a>(levels: impl IntoIterator<Item = &'a str>) -> &'a str {
    let rank = |level: &&str| LEVELS.iter().position(|known| known == level);
    levels.into_iter().max_by_key(rank).unwrap_or(STANDARD)
}

/// The compliance level of a record's company, where it has one.
pub fn level_of(company: Option<&CompanyRef>) -> &str {
    company.map_or(STANDARD, |company| company.compliance_level.as_str())
}

impl Company {
    /// `standard`, `cjis` or `hipaa`.
    pub fn compliance_level(&self) -> &str {
        self.fields.compliance_level.as_deref().unwrap_or(STANDARD)
    }
}
