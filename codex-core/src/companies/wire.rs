//! Companies as JSON (contract 1.2.B).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Company;

/// A client organisation. Its keys are fixed: today's modules read them (contract 1.2.B).
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
    /// `standard`, `cjis` or `hipaa`.
    #[schema(example = "standard")]
    pub compliance_level: String,
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

impl From<&Company> for CompanyOut {
    fn from(company: &Company) -> Self {
        let fields = &company.fields;
        Self {
            account_number: fields.account_number.clone().unwrap_or_default(),
            // Ledger's dashboard fails on null (consumers.md 0 #2).
            billing_plan: fields.billing_plan.clone().unwrap_or_default(),
            company_main_number: fields.company_main_number.clone(),
            company_start_date: fields.company_start_date.clone(),
            compliance_level: company.compliance_level().to_owned(),
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
    /// The same for a client user, who sees nothing of plans (design 6).
    pub fn for_client(mut self) -> Self {
        self.billing_plan = String::new();
        self.support_level = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{companies::CompanyFields, ids::CompanyId, list::List};

    fn out(fields: CompanyFields) -> CompanyOut {
        CompanyOut::from(&Company {
            id: CompanyId(7),
            fields,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            deleted_at: None,
        })
    }

    #[test]
    fn a_company_of_which_nothing_is_known_has_the_contracts_keys_in_order_and_neutral_values() {
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
    fn a_client_sees_neither_plan_nor_support_level() {
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
