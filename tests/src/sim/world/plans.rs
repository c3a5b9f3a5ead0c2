//! What the made-up MSP bills by: the plans that its departments state, for each of their terms.

use codex_core::billing_plans::wire::BillingExport;
use serde_json::{Map, Value, json};

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
fn plan(name: &str, term: &str, user: u32) -> Map<String, Value> {
    let price = |part: u32| json!(f64::from(user / part) / 100.0);
    Map::from_iter([
        ("plan_name".to_owned(), json!(name)),
        ("term_length".to_owned(), json!(term)),
        ("per_user_cost".to_owned(), price(1)),
        ("per_workstation_cost".to_owned(), price(4)),
        ("per_server_cost".to_owned(), price(2)),
        ("per_vm_cost".to_owned(), price(5)),
        ("per_hour_ticket_cost".to_owned(), json!(150)),
    ])
}
