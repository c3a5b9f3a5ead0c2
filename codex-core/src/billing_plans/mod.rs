//! Billing plans: what a plan costs and contains, for one term of contract.

pub mod effective;
pub mod input;
pub mod monthly;
#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
pub(crate) mod service;
pub mod wire;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{ids::BillingPlanId, json_columns::Dict, money::Money};

record! {
    // Contract 2.7.
    /// What is tracked about a billing plan. It has both models of backup prices: per gigabyte, and an included volume
    /// with a price per further terabyte.
    pub struct BillingPlanFields in "billing_plans" {
        /// Name; name and term together identify a plan. `billing_plan` is accepted too.
        require plan_name: String = field().indexed().listed().always(),
        /// Term of contract; any known spelling is accepted, one is stored.
        require term_length: String = field().indexed(),
        /// `Billed Hourly`, `Unlimited` or as set.
        edit support_level: Option<String> = field().listed(),
        /// Per user and month.
        require per_user_cost: Money = field(),
        /// Per workstation and month.
        require per_workstation_cost: Money = field(),
        /// Per server and month.
        require per_server_cost: Money = field(),
        /// Per virtual machine and month.
        require per_vm_cost: Money = field(),
        /// Per switch and month.
        require per_switch_cost: Money = field(),
        /// Per firewall and month.
        require per_firewall_cost: Money = field(),
        /// Per hour of work on tickets.
        require per_hour_ticket_cost: Money = field(),
        /// Base fee of a backup, per workstation.
        require backup_base_fee_workstation: Money = field(),
        /// Base fee of a backup, per server.
        require backup_base_fee_server: Money = field(),
        /// Terabytes of backup that the base fee includes.
        require backup_included_tb: Money = field(),
        /// Per terabyte beyond those.
        require backup_per_tb_fee: Money = field(),
        /// Per gigabyte of a workstation's backup.
        require backup_cost_per_gb_workstation: Money = field(),
        /// Per gigabyte of a server's backup.
        require backup_cost_per_gb_server: Money = field(),
        /// What the plan contains, by kind of feature.
        features: Dict = field(),
    }
    derived {
    }
    /// The body for a plan. Absent keys stay as they are, or get the default of a new plan (prices 0, one terabyte of
    /// backup, billed hourly). The six features of older modules may be sent beside `features`; null removes a feature.
    body BillingPlanIn {
        /// Name, under the key that older modules use.
        billing_plan: String,
        /// The feature `antivirus`.
        antivirus: String,
        /// The feature `soc`.
        soc: String,
        /// The feature `password_manager`.
        password_manager: String,
        /// The feature `sat`.
        sat: String,
        /// The feature `email_security`.
        email_security: String,
        /// The feature `network_management`.
        network_management: String,
        /// Features by kind. They are merged into those of the plan; null removes one.
        features: BTreeMap<String, Option<String>>,
    }
}

row! {
    /// A plan for one term.
    pub struct BillingPlan(BillingPlanId, BillingPlanFields) {}
}

/// A change of one of several billing plans.
#[derive(Debug, Clone)]
pub struct BillingPlanEdit {
    /// The plan.
    pub id: BillingPlanId,
    /// Its version that the change is made from; `None` changes any.
    pub seen: Option<DateTime<Utc>>,
    /// What is stated.
    pub plan: BillingPlanIn,
}

/// Keys of the prices, in the order of the contract.
pub const PRICES: [&str; 13] = [
    "per_user_cost",
    "per_workstation_cost",
    "per_server_cost",
    "per_vm_cost",
    "per_switch_cost",
    "per_firewall_cost",
    "per_hour_ticket_cost",
    "backup_base_fee_workstation",
    "backup_base_fee_server",
    "backup_included_tb",
    "backup_per_tb_fee",
    "backup_cost_per_gb_workstation",
    "backup_cost_per_gb_server",
];

/// The kinds of feature that the first version had as columns, with their labels (contract 2.7).
pub const LEGACY_FEATURES: [(&str, &str); 6] = [
    ("antivirus", "Antivirus"),
    ("email_security", "Email Security"),
    ("network_management", "Network Management"),
    ("password_manager", "Password Manager"),
    ("sat", "SAT"),
    ("soc", "SOC"),
];

/// The support level of a plan that names none (contract 1.2.F).
pub const BILLED_HOURLY: &str = "Billed Hourly";

/// What a plan says of a feature that it does not name (contract 1.2.F).
pub const NOT_INCLUDED: &str = "Not Included";

/// The term of companies without one (contract 1.2.F).
pub const MONTH_TO_MONTH: &str = "Month to Month";

/// The terms that a plan is usually offered for.
pub const TERMS: [&str; 4] = [MONTH_TO_MONTH, "1 Year", "2 Year", "3 Year"];

/// A term in its one spelling: `1-Year`, `1 year` and `1 Years` are `1 Year`, `monthly` is `Month to Month`
/// (contract 7 #20). What is no known term stays as it is, trimmed.
pub fn term(text: &str) -> String {
    let key = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let wanted = key(text);
    let wanted = wanted.strip_suffix('s').unwrap_or(&wanted);
    if wanted == "monthly" {
        return MONTH_TO_MONTH.to_owned();
    }
    let known = TERMS.into_iter().find(|known| key(known) == wanted);
    known.unwrap_or(text.trim()).to_owned()
}

/// What a kind of feature is called on pages and bills.
pub fn feature_label(feature: &str) -> String {
    let known = LEGACY_FEATURES.iter().find(|(key, _)| *key == feature);
    if let Some((_, label)) = known {
        return (*label).to_owned();
    }
    let words = feature.split('_').filter(|word| !word.is_empty());
    let words = words.map(|word| {
        let mut letters = word.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn term_spellings_are_normalized() {
        for text in ["1-Year", "1 year", " 1 Years ", "1_YEAR", "1 Year"] {
            assert_eq!(term(text), "1 Year", "{text}");
        }
        assert_eq!(term("month-to-month"), MONTH_TO_MONTH);
        assert_eq!(term(" 5 Year "), "5 Year");
        assert_eq!(term(""), "");
    }

    #[test]
    fn feature_keys_have_labels() {
        assert_eq!(feature_label("soc"), "SOC");
        assert_eq!(feature_label("dark_web_scan"), "Dark Web Scan");
    }
}
