//! Billing plans and what can be chosen for them.

use std::collections::BTreeMap;

use super::{Mapped, companies::id_of};
use crate::{
    billing_plans::{BillingPlan, LEGACY_FEATURES, NOT_INCLUDED, PRICES, term},
    feature_options::FeatureOption,
    import::{cells::Cells, facts::Facts, flaws::Flaw, report::TableReport, source::OldRow},
    money::Money,
};

/// The included volume of backup: the Flask service billed a stored 0 as one terabyte.
const INCLUDED: &str = "backup_included_tb";
const ONE: Money = Money::from_ten_thousandths(10_000);
/// Prices of one generation alone: a generation without them has none.
const OF_ONE_GENERATION: [&str; 4] = [
    INCLUDED,
    "backup_per_tb_fee",
    "backup_cost_per_gb_workstation",
    "backup_cost_per_gb_server",
];

/// A plan with both models of prices; `None` for one that is merged into another.
pub(in crate::import) fn plan(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Option<Mapped<BillingPlan>> {
    let (id, key) = (id_of(row), row.name());
    if !id.is_some_and(|id| facts.plans.contains(&id)) {
        report.merge(Flaw::PlanRepeated, &key);
        return None;
    }
    let mut cells = Cells::new(row, report, facts.zone);
    let name = cells.text("plan_name").unwrap_or_else(|| {
        cells.flaw(Flaw::NameMissing);
        format!("Plan {key}")
    });
    cells.state("plan_name", name.trim());
    let length = cells.text("term_length").unwrap_or_default();
    cells.state("term_length", term(&length));
    cells.state_texts(&["support_level"]);
    for price in PRICES {
        let is_absent = row.get(price).is_none() && OF_ONE_GENERATION.contains(&price);
        let mut amount = if is_absent {
            Money::ZERO
        } else {
            cells.price(price)
        };
        if price == INCLUDED && amount == Money::ZERO {
            if !is_absent {
                cells.flaw(Flaw::IncludedBackup);
            }
            amount = ONE;
        }
        cells.state(price, f64::from(amount));
    }
    let features = features(row, id.unwrap_or_default(), facts);
    let features: serde_json::Map<_, _> = features
        .into_iter()
        .map(|(kind, value)| (kind, value.into()))
        .collect();
    cells.state("features", features);
    Some(Mapped::new(cells, format!("plan/{key}"), id, Vec::new()))
}

/// What a plan contains: its rows where it has any, else the six columns of the first generation.
fn features(row: &OldRow, id: i64, facts: &Facts) -> BTreeMap<String, String> {
    if let Some(features) = facts.features.get(&id) {
        return features.clone();
    }
    let columns = LEGACY_FEATURES.iter().filter_map(|(kind, _)| {
        let value = row.get(kind).filter(|value| *value != NOT_INCLUDED)?;
        Some(((*kind).to_owned(), value.to_owned()))
    });
    columns.collect()
}

/// Counts a row of what plans contain: it is imported with its plan.
pub(in crate::import) fn feature(row: &OldRow, facts: &Facts, report: &mut TableReport) {
    let plan = row
        .get("plan_id")
        .and_then(|id| id.trim().parse::<i64>().ok());
    match plan {
        Some(plan) if facts.plans.contains(&plan) => report.imported += 1,
        Some(plan) if facts.all_plans.contains(&plan) => {
            report.merge(Flaw::PlanRepeated, &row.name());
        }
        _ => report.skip(Flaw::FeatureOrphaned, &row.name()),
    }
}

/// An option; `None` for one that is there twice or empty.
pub(in crate::import) fn option(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Option<Mapped<FeatureOption>> {
    let (id, key) = (id_of(row), row.name());
    let (Some(category), Some(value)) = (row.get("feature_category"), row.get("option_value"))
    else {
        report.skip(Flaw::OptionRepeated, &key);
        return None;
    };
    let last = facts.options.get(&format!("{category}/{value}"));
    if last.is_some_and(|last| Some(*last) != id) {
        report.merge(Flaw::OptionRepeated, &key);
        return None;
    }
    let mut cells = Cells::new(row, report, facts.zone);
    cells.state_texts(&[
        "feature_category",
        "option_value",
        "display_name",
        "description",
    ]);
    Some(Mapped::new(cells, format!("option/{key}"), id, Vec::new()))
}
