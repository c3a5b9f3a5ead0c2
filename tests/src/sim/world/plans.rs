//! What the made-up MSP bills by: the plans that its departments state, for each of their terms.

use codex_core::{
    billing_plans::{BillingPlanIn, wire::BillingExport},
    money::Money,
};

use super::freshservice::{PLANS, TERMS};

/// Every plan and term that a department can have, as `POST /api/billing-plans/import` takes them. The first
/// plans cost most, the last one is billed by the hour alone, and whoever binds himself pays less.
pub fn plans() -> BillingExport {
    let each = PLANS.iter().zip([140, 110, 80, 50, 0]);
    let plans = each.flat_map(|(name, user)| {
        let terms = TERMS.iter().zip([100, 90, 110, 80]);
        terms.map(move |(term, percent)| plan(name, term, user * percent))
    });
    BillingExport {
        plans: plans.collect(),
        feature_options: Vec::new(),
    }
}

/// A plan by what a user costs, in hundredths.
fn plan(name: &str, term: &str, user: u32) -> BillingPlanIn {
    let price = |part: u32| Money::from_ten_thousandths(i64::from(user / part) * 100);
    BillingPlanIn {
        plan_name: name.into(),
        term_length: term.into(),
        per_user_cost: price(1).into(),
        per_workstation_cost: price(4).into(),
        per_server_cost: price(2).into(),
        per_vm_cost: price(5).into(),
        per_hour_ticket_cost: Money::from_ten_thousandths(1_500_000).into(),
        ..BillingPlanIn::default()
    }
}
