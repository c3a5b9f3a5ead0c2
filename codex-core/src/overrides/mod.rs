//! Overrides: values that replace prices and features of a company's plan.

#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use chrono::{DateTime, Utc};

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

/// A company's override for one value of its plan.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct Override {
    /// Row id.
    pub id: OverrideId,
    /// Tracked fields.
    #[cfg_attr(feature = "store", sqlx(flatten))]
    pub fields: OverrideFields,
    /// When the record was made here.
    pub created_at: DateTime<Utc>,
    /// When a tracked field last changed.
    pub updated_at: DateTime<Utc>,
    /// When the record was deleted, if it was.
    pub deleted_at: Option<DateTime<Utc>>,
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
