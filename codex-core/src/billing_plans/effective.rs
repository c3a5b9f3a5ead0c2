//! The effective plan of a company: its plan after overrides, with the origin of each value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BillingPlan, MONTH_TO_MONTH, PRICES, term};
use crate::{companies::CompanyFields, money::Money, overrides::Override};

/// Where a value of the effective plan comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueSource {
    /// The plan.
    Plan,
    /// An override of the company.
    Override,
}

/// A price in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EffectivePrice {
    /// What the plan says; null without a plan.
    pub plan_value: Option<Money>,
    /// Where the value comes from.
    pub source: ValueSource,
    /// What holds.
    pub value: Money,
}

/// A feature or the support level in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EffectiveText {
    /// What the plan says; null when it does not name it.
    pub plan_value: Option<String>,
    /// Where the value comes from.
    pub source: ValueSource,
    /// What holds.
    pub value: String,
}

/// The plan in force for a company. What neither its plan nor an override names is not there: nothing is
/// invented.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EffectivePlanOut {
    /// The company.
    #[schema(example = "100001")]
    pub account_number: String,
    /// Features by kind.
    pub features: BTreeMap<String, EffectiveText>,
    /// The plan's id; null when the company has none, or one that nobody has made.
    pub plan_id: Option<i64>,
    /// Name of the plan that the company has; empty when it has none.
    pub plan_name: String,
    /// Prices by key.
    pub prices: BTreeMap<String, EffectivePrice>,
    /// Support level; null when nobody says.
    pub support_level: Option<EffectiveText>,
    /// Term of the company's contract.
    #[schema(example = "1 Year")]
    pub term_length: String,
}

/// Name and term of the plan that a company has; a company without a term has it by the month.
pub fn plan_of(company: &CompanyFields) -> (String, String) {
    let name = company.billing_plan.as_deref().unwrap_or_default().trim();
    let length = company.contract_term_length.as_deref().map(term);
    let length = length.filter(|length| !length.is_empty());
    (
        name.to_owned(),
        length.unwrap_or_else(|| MONTH_TO_MONTH.to_owned()),
    )
}

/// The support level's key among overrides.
const SUPPORT_LEVEL: &str = "support_level";

impl EffectivePlanOut {
    /// Combines the company's plan, if it is known, with its overrides.
    pub fn new(
        company: &CompanyFields,
        plan: Option<&BillingPlan>,
        overrides: &[Override],
    ) -> Self {
        let (plan_name, term_length) = plan_of(company);
        let agreed: BTreeMap<&str, &Override> = overrides
            .iter()
            .filter(|row| row.enabled())
            .map(|row| (row.fields.key.as_str(), row))
            .collect();
        let of_plan = plan.and_then(|plan| serde_json::to_value(&plan.fields).ok());
        let prices = PRICES.into_iter().filter_map(|key| {
            let plan_value: Option<Money> = of_plan
                .as_ref()
                .and_then(|fields| serde_json::from_value(fields[key].clone()).ok());
            let own = agreed.get(key).and_then(|row| row.price());
            let value = own.or(plan_value)?;
            let source = source(own.is_some());
            Some((
                key.to_owned(),
                EffectivePrice {
                    plan_value,
                    source,
                    value,
                },
            ))
        });
        let text = |key: &str, plan_value: Option<&String>| {
            let own = agreed.get(key).map(|row| &row.fields.value);
            Some(EffectiveText {
                plan_value: plan_value.cloned(),
                source: source(own.is_some()),
                value: own.or(plan_value)?.clone(),
            })
        };
        let named = plan.map(|plan| &plan.fields.features.0);
        let kinds = named.into_iter().flatten().map(|(key, _)| key.as_str());
        let other = |key: &&str| !PRICES.contains(key) && *key != SUPPORT_LEVEL;
        let kinds = kinds.chain(agreed.keys().copied().filter(other));
        let features = kinds.filter_map(|key| {
            let plan_value = named.and_then(|named| named.get(key));
            Some((key.to_owned(), text(key, plan_value)?))
        });
        let support = plan.and_then(|plan| plan.fields.support_level.as_ref());
        Self {
            account_number: company.account_number.clone().unwrap_or_default(),
            features: features.collect(),
            plan_id: plan.map(|plan| plan.id.0),
            plan_name,
            prices: prices.collect(),
            support_level: text(SUPPORT_LEVEL, support),
            term_length,
        }
    }
}

fn source(own: bool) -> ValueSource {
    if own {
        ValueSource::Override
    } else {
        ValueSource::Plan
    }
}
