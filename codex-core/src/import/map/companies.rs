//! Companies, their sites, locations and overrides.

use serde_json::Value;

use super::Mapped;
use crate::{
    billing_plans,
    companies::{Company, rules::number_key},
    dates::{EVENTS, LIVES},
    import::{
        cells::Cells,
        facts::{Facts, number},
        flaws::Flaw,
        report::TableReport,
        source::OldRow,
    },
    locations::Location,
    overrides::Override,
    records::match_imported::source_key,
    site_links::SiteLink,
    store::snapshot::Key,
};

/// The location that the PSA manages (contract 3.2).
const MAIN_OFFICE: &str = "main office";

/// The number in the key of a row.
pub(super) fn id_of(row: &OldRow) -> Option<i64> {
    match row.key.first() {
        Some(Key::Int(id)) => Some(*id),
        _ => None,
    }
}

/// A company.
pub(in crate::import) fn company(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Mapped<Company> {
    let mut cells = Cells::new(row, report, facts.zone);
    let raw = row.get("account_number").unwrap_or_default().to_owned();
    let own_number = number(&raw);
    let spelled = facts.spelled.get(&own_number);
    let is_repeated = spelled.is_some_and(|spelled| *spelled != raw);
    let psa_id = cells.int("external_id");
    let claimed = facts.company(&own_number).unwrap_or_default().to_owned();
    let has_id = psa_id.is_some_and(|id| id.to_string() == claimed) && !is_repeated;
    if psa_id.is_none() {
        cells.flaw(Flaw::IdMissing);
    } else if !has_id {
        cells.flaw(Flaw::IdRepeated);
    }
    let psa = cells
        .text("external_source")
        .unwrap_or_else(|| facts.psa.to_owned());
    if is_repeated {
        cells.flaw(Flaw::NumberRepeated);
    } else if own_number.is_empty() {
        cells.flaw(Flaw::KeyMissing);
    } else {
        cells.state("account_number", own_number.as_str());
    }
    let name = cells.text("name").unwrap_or_else(|| {
        cells.flaw(Flaw::NameMissing);
        own_number.clone()
    });
    cells.state("name", name);
    if has_id {
        cells.state("external_id", psa_id);
        cells.state("external_source", psa.as_str());
    }
    cells.state_texts(&[
        "description",
        "compliance_level",
        "head_name",
        "prime_user_name",
        "plan_selected",
        "managed_users",
        "managed_devices",
        "managed_network",
        "contract_term",
        "profit_or_non_profit",
        "company_main_number",
        "address",
        "support_level",
        "phone_system",
        "email_system",
        "datto_portal_url",
    ]);
    cells.state_ints(&["head_user_id", "prime_user_id", "workspace_id"]);
    cells.state_days(&["contract_start_date", "contract_end_date"], &EVENTS);
    cells.state_days(&["company_start_date"], &LIVES);
    let domains = cells.texts("domains");
    cells.state("domains", domains);
    let term = cells.text("contract_term_length");
    cells.state(
        "contract_term_length",
        term.map(|text| billing_plans::term(&text)),
    );
    state_plan(&mut cells);

    let mut keys = Vec::new();
    if has_id {
        keys.push(source_key(&psa, &claimed));
    }
    let external_id = if is_repeated {
        format!("row/{raw}")
    } else {
        keys.push(number_key(&own_number));
        claimed
    };
    Mapped::new(cells, external_id, None, keys)
}

/// The plan that was billed is the selected one.
fn state_plan(cells: &mut Cells<'_>) {
    let (billed, shown) = (cells.text("plan_selected"), cells.text("billing_plan"));
    if let Some(shown) = shown
        && Some(&shown) != billed.as_ref()
    {
        cells.flaw(Flaw::PlanEdited);
        cells.keep("billing_plan", shown);
    }
    cells.state("billing_plan", billed);
}

/// A site of an RMM; `None` for one that is left out or merged.
pub(in crate::import) fn site(
    row: &OldRow,
    facts: &Facts,
    is_first: bool,
    report: &mut TableReport,
) -> Option<Mapped<SiteLink>> {
    let (id, name) = (id_of(row), row.name());
    let Some(uid) = row.get("rmm_site_uid").map(|uid| uid.trim().to_owned()) else {
        report.skip(Flaw::KeyMissing, &name);
        return None;
    };
    let own = number(row.get("company_account_number").unwrap_or_default());
    if facts.company(&own).is_none() {
        report.skip(Flaw::CompanyMissing, &name);
        return None;
    }
    let repeated = if is_first {
        &facts.first_sites
    } else {
        &facts.sites
    };
    let is_later = repeated.get(&uid).is_some_and(|last| Some(*last) != id);
    if is_later || (is_first && facts.known_sites.contains(&uid)) {
        report.merge(Flaw::SiteRepeated, &name);
        return None;
    }
    let mut cells = Cells::new(row, report, facts.zone);
    let provider = cells
        .text("rmm_provider")
        .unwrap_or_else(|| facts.rmm.to_owned());
    cells.state("provider", provider.as_str());
    cells.state("site_uid", uid.as_str());
    cells.state("account_number", own);
    // The second generation counts anew: the first one's ids are those of other sites there.
    let id = id.filter(|_| !is_first || facts.known_sites.is_empty());
    let key = source_key(&provider, &uid);
    Some(Mapped::new(cells, key.clone(), id, vec![key]))
}

/// A location; `None` for one of no company.
pub(in crate::import) fn location(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Option<Mapped<Location>> {
    let (id, key) = (id_of(row), row.name());
    let own = number(row.get("company_account_number").unwrap_or_default());
    let Some(company) = facts.company(&own) else {
        report.skip(Flaw::CompanyMissing, &key);
        return None;
    };
    let mut cells = Cells::new(row, report, facts.zone);
    let name = cells.text("name").unwrap_or_else(|| {
        cells.flaw(Flaw::NameMissing);
        format!("Location {key}")
    });
    let is_main = name.trim().eq_ignore_ascii_case(MAIN_OFFICE);
    cells.state("name", name);
    cells.state_texts(&["address", "phone_number"]);
    cells.state("company_id", facts.row(&own));
    let keys = if is_main {
        vec![source_key(facts.psa, company)]
    } else {
        Vec::new()
    };
    Some(Mapped::new(cells, format!("location/{key}"), id, keys))
}

/// An override; `None` for one that is left out or merged.
pub(in crate::import) fn override_of(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Option<Mapped<Override>> {
    let (id, name) = (id_of(row), row.name());
    let raw = row.get("company_account_number").unwrap_or_default();
    let own = number(raw);
    let (Some(key), true) = (row.get("feature_key"), facts.company(&own).is_some()) else {
        report.skip(Flaw::CompanyMissing, &name);
        return None;
    };
    let last = facts.overrides.get(&format!("{raw}/{key}"));
    if last.is_some_and(|last| Some(*last) != id) {
        report.merge(Flaw::OverrideRepeated, &name);
        return None;
    }
    let key = key.to_owned();
    let mut cells = Cells::new(row, report, facts.zone);
    cells.state("company_id", facts.row(&own));
    cells.state("key", key);
    let value = cells.text("value").unwrap_or_default();
    cells.state("value", Value::String(value));
    let enabled = cells.flag("override_enabled");
    cells.state("enabled", enabled);
    Some(Mapped::new(
        cells,
        format!("override/{name}"),
        id,
        Vec::new(),
    ))
}
