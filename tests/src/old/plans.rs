//! Billing plans by both models of prices, what they contain, and what can be chosen for them.

use std::collections::BTreeSet;

use codex_core::billing_plans::term;

use super::{Made, OldFlaw, Options, companies::stored_term, database::Writer, id_of, row::Row};
use crate::sim::World;

const PLANS: &str = "billing_plans";
const FEATURES: &str = "plan_features";
const FEATURE_OPTIONS: &str = "feature_options";
const LABELS: &str = "feature_category_config";
const INCLUDED: &str = "backup_included_tb";
/// What can be chosen, by feature.
const CHOICES: [(&str, &str); 4] = [
    ("antivirus", "Bitdefender"),
    ("antivirus", "SentinelOne"),
    ("soc", "24/7"),
    ("sat", "Phishing tests"),
];
/// Prices that are the same in every plan.
const PRICES: [(&str, f64); 8] = [
    ("per_vm_cost", 22.0),
    ("per_firewall_cost", 35.75),
    ("per_hour_ticket_cost", 150.0),
    ("backup_base_fee_workstation", 5.0),
    ("backup_base_fee_server", 9.5),
    ("backup_cost_per_gb_workstation", 0.0125),
    ("backup_cost_per_gb_server", 0.025),
    ("backup_per_tb_fee", 7.25),
];

/// Writes a plan for each name and term that companies have, and what goes with them.
pub(super) async fn fill(
    writer: &mut Writer,
    world: &World,
    options: &Options,
    made: &mut Made,
) -> anyhow::Result<()> {
    let sold: BTreeSet<(String, String)> = world
        .departments
        .iter()
        .filter_map(|department| {
            let custom = &department["custom_fields"];
            let name = custom["plan_selected"].as_str()?.to_owned();
            Some((name, stored_term(custom, options)?))
        })
        .collect();
    let is_included = writer.schema.has(PLANS, INCLUDED);
    for (n, (name, length)) in sold.iter().enumerate() {
        let mut row = plan(n, name, length).with("id", id_of(n));
        if options.has(OldFlaw::IncludedBackup) && is_included && n == 0 {
            row.set(INCLUDED, 0_i64);
            made.note(OldFlaw::IncludedBackup, PLANS, "included_backup_zero");
        }
        if options.has(OldFlaw::Nulls) && n % 5 == 4 {
            row.set("per_switch_cost", None::<i64>);
            made.note(OldFlaw::Nulls, PLANS, "price_missing");
        }
        writer.write(PLANS, &row).await?;
    }
    let usual = sold.iter().find(|(_, length)| term(length) == *length);
    if options.has(OldFlaw::Repeated)
        && let Some((name, length)) = usual
    {
        // Nobody has this spelling in a contract.
        let spelled = length.replace(' ', "-");
        let row = plan(0, name, &spelled).with("id", 1_i64);
        writer
            .write(PLANS, &row.with("per_user_cost", 999_i64))
            .await?;
        made.note_left_out(OldFlaw::Repeated, PLANS, "plan_repeated");
    }
    features(writer, sold.len(), options, made).await?;
    feature_options(writer, options, made).await
}

fn plan(n: usize, name: &str, length: &str) -> Row {
    let mut row = Row::new()
        .with("plan_name", name)
        .with("term_length", length);
    let users = 50 + i64::try_from(n).unwrap_or_default();
    row.set("per_user_cost", users);
    row.set("per_workstation_cost", 12.5);
    row.set("per_server_cost", 40_i64);
    row.set("per_switch_cost", 3_i64);
    for (column, price) in PRICES {
        row.set(column, price);
    }
    row.set(INCLUDED, if n % 2 == 1 { 2_i64 } else { 1_i64 });
    row.set("support_level", ["Billed Hourly", "Unlimited"][n % 2]);
    for feature in [
        "soc",
        "password_manager",
        "sat",
        "email_security",
        "network_management",
    ] {
        row.set(feature, "Not Included");
    }
    row.with("antivirus", ["Bitdefender", "Not Included"][n % 2])
}

/// Writes what plans contain: all of the second generation's, and in a mixture those that were edited since.
async fn features(
    writer: &mut Writer,
    plans: usize,
    options: &Options,
    made: &mut Made,
) -> anyhow::Result<()> {
    if !writer.schema.has_table(FEATURES) {
        return Ok(());
    }
    let row = |id: i64, plan: i64, feature: &str, value: &str| {
        let row = Row::new().with("id", id).with("plan_id", plan);
        row.with("feature_type", feature)
            .with("feature_value", value)
    };
    for n in (0..plans).filter(|n| options.is_second() || n.is_multiple_of(2)) {
        let contains = row(id_of(2 * n), id_of(n), "antivirus", "SentinelOne");
        writer.write(FEATURES, &contains).await?;
        let contains = row(id_of(2 * n + 1), id_of(n), "soc", "24/7");
        writer.write(FEATURES, &contains).await?;
    }
    if options.has(OldFlaw::Dangling) {
        let lost = row(1, 999_999, "sat", "Lost");
        writer.write(FEATURES, &lost).await?;
        made.note_left_out(OldFlaw::Dangling, FEATURES, "feature_orphaned");
    }
    Ok(())
}

/// Writes what can be chosen, and the labels of features, which are part of Codex today.
async fn feature_options(
    writer: &mut Writer,
    options: &Options,
    made: &mut Made,
) -> anyhow::Result<()> {
    let row = |id: i64, (category, value): (&str, &str)| {
        let row = Row::new().with("id", id).with("feature_category", category);
        let row = row.with("option_value", value);
        row.with("display_name", format!("{value} for {category}"))
    };
    for (n, choice) in CHOICES.into_iter().enumerate() {
        writer
            .write(FEATURE_OPTIONS, &row(id_of(n), choice))
            .await?;
    }
    if options.has(OldFlaw::Repeated) {
        writer.write(FEATURE_OPTIONS, &row(1, CHOICES[0])).await?;
        made.note_left_out(OldFlaw::Repeated, FEATURE_OPTIONS, "option_repeated");
    }
    if !writer.schema.has_table(LABELS) {
        return Ok(());
    }
    for (n, (key, label)) in [("soc", "SOC"), ("sat", "SAT")].into_iter().enumerate() {
        let row = Row::new().with("id", id_of(n)).with("feature_key", key);
        writer
            .write(LABELS, &row.with("display_name", label))
            .await?;
        *made.left_out.entry(LABELS).or_default() += 1;
    }
    Ok(())
}
