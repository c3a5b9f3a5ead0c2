//! Companies: the client organisations of the MSP.

#[cfg(feature = "store")]
pub(crate) mod aliases;
#[cfg(feature = "store")]
pub mod cockpit;
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

use crate::{fold::SearchKey, ids::CompanyId, json_columns::List};
pub use compliance::{ComplianceLevel, strictest};

record! {
    // Contract 2.1.
    /// What is tracked about a company.
    pub struct CompanyFields in "companies" {
        /// The number that links systems, as text; unique, never reused; `None` until one is assigned.
        account_number: Option<String> = field().everyone().indexed().listed().always(),
        /// Name; a new company needs one.
        require name: String = field().everyone().indexed().folded("companies.name_fold").always(),
        /// Free text.
        edit description: Option<String> = field().everyone().listed(),
        /// `standard`, `cjis` or `hipaa`; null means standard. No source states it.
        edit compliance_level: Option<String> = field().everyone().faceted(),
        /// The PSA's department id.
        external_id: Option<i64> = field().listed(),
        /// The PSA that `external_id` belongs to.
        external_source: Option<String> = field(),
        /// PSA user id of the head of the company; the name follows.
        edit head_user_id: Option<i64> = field(),
        /// Name of the head of the company.
        head_name: Option<String> = field(),
        /// PSA user id of the prime contact; the name follows.
        edit prime_user_id: Option<i64> = field(),
        /// Name of the prime contact.
        prime_user_name: Option<String> = field(),
        /// E-mail domains; a JSON array inside a string is accepted too.
        edit domains: List<String> = field().everyone(),
        /// PSA workspace.
        workspace_id: Option<i64> = field(),
        /// The plan as selected in the PSA.
        plan_selected: Option<String> = field(),
        /// Billing plan in force: the manual value, or else the plan that is selected in the PSA.
        edit billing_plan: Option<String> = field().faceted(),
        /// Managed users, free text.
        edit managed_users: Option<String> = field(),
        /// Managed devices, free text.
        edit managed_devices: Option<String> = field(),
        /// Managed network, free text.
        edit managed_network: Option<String> = field(),
        /// Contract term as the PSA spells it.
        contract_term: Option<String> = field(),
        /// Contract term as `1 Year`, `2 Year`, `3 Year`, `Month to Month` or as spelled.
        edit contract_term_length: Option<String> = field().everyone().faceted(),
        /// Start of the contract, usually ISO.
        edit contract_start_date: Option<String> = field().everyone().listed(),
        /// End of the contract, `YYYY-MM-DD`.
        edit contract_end_date: Option<String> = field().everyone().listed(),
        /// `Billed Hourly`, `Unlimited` or as set.
        edit support_level: Option<String> = field().faceted(),
        /// Kind of organisation.
        edit profit_or_non_profit: Option<String> = field().everyone().listed(),
        /// Main telephone number.
        edit company_main_number: Option<String> = field().everyone().listed(),
        /// Postal address, one text.
        edit address: Option<String> = field(),
        /// When the company became a client, free text.
        edit company_start_date: Option<String> = field().everyone(),
        /// Telephone system in use.
        edit phone_system: Option<String> = field().everyone().listed(),
        /// E-mail system in use.
        edit email_system: Option<String> = field().everyone().listed(),
        /// Time zone, by its IANA name such as `Europe/Berlin`.
        edit timezone: Option<String> = field().listed(),
        /// Link to the company in the Datto portal.
        edit datto_portal_url: Option<String> = field(),
    }
    derived {
        /// Folded name, for search and order.
        name_fold: SearchKey,
    }
    /// The body for a company. Absent keys stay as they are; null and empty text blank the field.
    body CompanyIn {
        /// Only for a new company: six digits that no company has or had. If absent, Codex assigns a free number.
        account_number: String,
    }
}

row! {
    /// A client organisation.
    pub struct Company(CompanyId, CompanyFields) {
        /// Names of its tags, by name; read on request, for staff.
        #[cfg_attr(feature = "store", sqlx(skip))]
        pub tags: Vec<String>,
    }
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
