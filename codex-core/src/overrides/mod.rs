//! Overrides: values that replace prices and features of a company's plan.

#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use crate::{
    billing_plans::PRICES,
    ids::{CompanyId, OverrideId},
    money::Money,
};

record! {
    // Contract 2.4.
    /// What is tracked about an override.
    pub struct OverrideFields in "company_overrides" {
        /// The company.
        company_id: Option<CompanyId> = field().internal(),
        /// A price's key, `support_level`, or a kind of feature.
        key: String = field(),
        /// The value that replaces the plan's; a price is decimal text.
        value: String = field(),
        /// Whether it is in force; `None` means yes.
        enabled: Option<bool> = field(),
    }
    derived {
    }
}

row! {
    /// A company's override for one value of its plan.
    pub struct Override(OverrideId, OverrideFields) {}
}

impl Override {
    /// Whether it is in force.
    pub fn enabled(&self) -> bool {
        self.fields.enabled.unwrap_or(true)
    }

    /// The price that it sets, when its key is a price's.
    pub fn price(&self) -> Option<Money> {
        if !PRICES.contains(&self.fields.key.as_str()) {
            return None;
        }
        Money::try_from(self.fields.value.parse::<f64>().ok()?).ok()
    }
}
