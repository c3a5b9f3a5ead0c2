//! Companies, their sites, locations and overrides.

use std::collections::HashMap;

use codex_core::billing_plans::term;
use serde_json::Value;

use super::{Made, OldFlaw, Options, database::Writer, id_of, is_each, row::Row};
use crate::sim::World;

/// The number of a company that does not exist.
pub(super) const NOBODY: &str = "999999";
/// Ids at the PSA of companies that it does not know.
const UNKNOWN: i64 = 8_000_000;
/// How far the ids of depots are from those of main offices.
const DEPOTS: usize = 100_000;

/// The account numbers of companies, as they are spelled.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// By the PSA's id of the department.
    pub by_department: HashMap<i64, String>,
    /// By the number without blanks.
    pub by_number: HashMap<String, String>,
    /// In the order of departments.
    pub all: Vec<String>,
}

impl Numbers {
    /// The number of the company that a site names in its variable, as that spells it.
    pub fn of_site(&self, site: &crate::sim::world::Site) -> Option<&String> {
        let variable = site.variables.iter().find(|variable| {
            let name = variable["name"].as_str().unwrap_or_default();
            name.eq_ignore_ascii_case("AccountNumber")
        })?;
        self.by_number.get(variable["value"].as_str()?.trim())
    }
}

/// The term of a contract as the generation stores it, for a company and for its plan.
pub(super) fn stored_term(custom: &Value, options: &Options) -> Option<String> {
    let raw = custom["contract_term"].as_str()?;
    Some(if options.is_second() {
        term(raw)
    } else {
        raw.to_owned()
    })
}

/// Writes companies. The former service knew a company by its number: one without is not there, of two with one
/// number the first is.
pub(super) async fn fill(
    writer: &mut Writer,
    world: &World,
    options: &Options,
    made: &mut Made,
) -> anyhow::Result<Numbers> {
    let mut numbers = Numbers::default();
    for (n, department) in world.departments.iter().enumerate() {
        let number = match &department["custom_fields"]["account_number"] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        let bare = number.trim().to_owned();
        if bare.is_empty() || numbers.by_number.contains_key(&bare) {
            continue;
        }
        let row = company(n, department, &number, writer.is_sqlite(), options, made);
        writer.write("companies", &row).await?;
        let id = department["id"].as_i64().unwrap_or_default();
        numbers.by_department.insert(id, number.clone());
        numbers.by_number.insert(bare, number.clone());
        numbers.all.push(number);
    }
    if options.has(OldFlaw::Numbers) {
        let table = "companies";
        let of = |number: &str, id: i64| {
            let row = Row::new().with("account_number", number);
            let row = row.with("name", "Walk-in customers");
            row.with("freshservice_id", id).with("external_id", id)
        };
        writer.write(table, &of("", UNKNOWN + 1)).await?;
        made.note(OldFlaw::Numbers, table, "key_missing");
        if let Some(first) = numbers.all.first() {
            let repeated = of(&format!("{first} "), UNKNOWN + 2);
            writer.write(table, &repeated).await?;
            made.note(OldFlaw::Numbers, table, "account_number_repeated");
        }
        // SQLite takes null in a primary key of text.
        if writer.is_sqlite() {
            let row = of("", UNKNOWN + 3).with("account_number", None::<String>);
            writer.write(table, &row).await?;
            made.note_left_out(OldFlaw::Numbers, table, "key_missing");
        }
    }
    Ok(numbers)
}

fn company(
    n: usize,
    department: &Value,
    number: &str,
    is_sqlite: bool,
    options: &Options,
    made: &mut Made,
) -> Row {
    let table = "companies";
    let custom = &department["custom_fields"];
    let mut row = Row::new().with("account_number", number);
    for column in ["name", "description", "created_at", "updated_at"] {
        row.set(column, &department[column]);
    }
    for column in ["head_user_id", "prime_user_id", "domains"] {
        row.set(column, &department[column]);
    }
    for column in [
        "plan_selected",
        "managed_users",
        "managed_devices",
        "managed_network",
        "contract_term",
        "contract_start_date",
        "profit_or_non_profit",
        "company_main_number",
        "address",
        "company_start_date",
        "phone_system",
        "email_system",
        "datto_portal_url",
    ] {
        row.set(column, &custom[column]);
    }
    row.set("freshservice_id", &department["id"]);
    row.set("external_id", &department["id"]);
    row.set("external_source", "freshservice");
    row.set("psa_provider", "freshservice");
    row.set("compliance_level", ["standard", "cjis", "hipaa"][n % 3]);
    row.set("workspace_id", 2_i64);
    row.set("billing_plan", &custom["plan_selected"]);
    row.set("contract_term_length", stored_term(custom, options));
    row.set("contract_end_date", "2027-12-31");
    row.set("support_level", "Billed Hourly");

    if options.has(OldFlaw::SourceIds) && options.is_second() && n % 25 == 3 {
        row.set("external_id", None::<i64>);
        made.note(OldFlaw::SourceIds, table, "source_id_missing");
    }
    if options.has(OldFlaw::EditedPlans) && n % 10 == 6 {
        row.set("billing_plan", "Edited on the page");
        made.note(OldFlaw::EditedPlans, table, "billing_plan_edited");
    }
    if options.has(OldFlaw::Lists) && n % 10 == 5 {
        row.set("domains", format!("{{client{n}.example}}"));
        made.note(OldFlaw::Lists, table, "list_respelled");
    }
    if options.has(OldFlaw::Days) && n % 10 == 7 {
        row.set("contract_start_date", "0025-01-01");
        made.note(OldFlaw::Days, table, "time_unreadable");
    }
    if options.has(OldFlaw::NumberTexts) && is_sqlite && n % 10 == 8 {
        row.set("head_user_id", "n/a");
        made.note(OldFlaw::NumberTexts, table, "number_unreadable");
    }
    if options.has(OldFlaw::LongTexts) && is_sqlite && n % 10 == 9 {
        row.set("managed_network", "Yes, and more. ".repeat(20) + "End");
        made.count(OldFlaw::LongTexts);
    }
    row
}

/// Writes links of sites. The first generation's migration carries none over; its next sync fills the new table.
pub(super) async fn sites(
    writer: &mut Writer,
    world: &World,
    options: &Options,
    numbers: &Numbers,
    made: &mut Made,
) -> anyhow::Result<()> {
    let (first, second) = ("datto_site_links", "rmm_site_links");
    let is_mixed = writer.schema.has_table(first) && writer.schema.has_table(second);
    for (n, site) in world.sites.iter().enumerate() {
        let Some(number) = numbers.of_site(site) else {
            continue;
        };
        let row = site_link(id_of(n), number, &site.uid);
        writer.write(first, &row).await?;
        if options.is_second() {
            writer.write(second, &row).await?;
        } else if is_mixed && options.has(OldFlaw::Repeated) && n.is_multiple_of(2) {
            writer.write(second, &row).await?;
            made.note_left_out(OldFlaw::Repeated, first, "site_link_repeated");
        }
    }
    if options.has(OldFlaw::Dangling) {
        let table = if options.is_second() { second } else { first };
        let row = site_link(1, NOBODY, "0c0de000-0000-4000-8000-000000000001");
        writer.write(table, &row).await?;
        made.note_left_out(OldFlaw::Dangling, table, "company_missing");
    }
    Ok(())
}

fn site_link(id: i64, number: &str, uid: &str) -> Row {
    let row = Row::new()
        .with("id", id)
        .with("company_account_number", number);
    let row = row.with("datto_site_uid", uid).with("rmm_site_uid", uid);
    row.with("rmm_provider", "datto")
}

/// Writes locations and overrides.
pub(super) async fn beside(
    writer: &mut Writer,
    options: &Options,
    numbers: &Numbers,
    made: &mut Made,
) -> anyhow::Result<()> {
    let table = "company_feature_overrides";
    let location = |id: i64, name: &str, number: &str| {
        let row = Row::new().with("id", id).with("name", name);
        let row = row.with("address", "1 Main Street, Springfield");
        row.with("company_account_number", number)
    };
    let agreed = |id: i64, number: &str, key: &str, value: &str| {
        let row = Row::new()
            .with("id", id)
            .with("company_account_number", number);
        let row = row.with("feature_key", key).with("value", value);
        row.with("override_enabled", true)
    };
    for (n, number) in numbers.all.iter().enumerate() {
        writer
            .write("locations", &location(id_of(n), "Main Office", number))
            .await?;
        if is_each(n, 5) {
            let depot = location(id_of(DEPOTS + n), "Depot", number);
            writer.write("locations", &depot).await?;
        }
        let (key, value) = match n % 3 {
            0 => ("per_user_cost", "12.50"),
            1 => ("antivirus", "Bitdefender"),
            _ => continue,
        };
        let id = id_of(n);
        if options.has(OldFlaw::Repeated) && n.is_multiple_of(9) {
            let earlier = agreed(id_of(n / 9) - super::FIRST_ID + 1, number, key, "11.00");
            writer.write(table, &earlier).await?;
            made.note_left_out(OldFlaw::Repeated, table, "override_repeated");
        }
        writer.write(table, &agreed(id, number, key, value)).await?;
        let bare = number.trim().to_owned();
        made.overrides.insert(id, (bare, key));
    }
    if options.has(OldFlaw::Dangling) {
        let nowhere = location(1, "Nowhere", NOBODY);
        writer.write("locations", &nowhere).await?;
        made.note_left_out(OldFlaw::Dangling, "locations", "company_missing");
        let lost = agreed(900, NOBODY, "antivirus", "X");
        writer.write(table, &lost).await?;
        made.note_left_out(OldFlaw::Dangling, table, "company_missing");
    }
    Ok(())
}
