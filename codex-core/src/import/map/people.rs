//! Contacts, the PSA's agents, and the people who log in.

use std::collections::BTreeSet;

use super::{Mapped, companies::id_of};
use crate::{
    agents::{Agent, COLOR_THEMES, HOME_PAGES, THEMES, VIEWS},
    contacts::{Contact, rules::email_key},
    import::{cells::Cells, facts::Facts, flaws::Flaw, report::TableReport, source::OldRow},
    psa_agents::PsaAgent,
    records::match_imported::source_key,
};

/// What the Flask service made of a missing part of a name.
const NONE: &str = "None";

/// A contact of the companies with these numbers.
pub(in crate::import) fn contact(
    row: &OldRow,
    numbers: &BTreeSet<String>,
    facts: &Facts,
    report: &mut TableReport,
) -> Mapped<Contact> {
    let (id, key) = (id_of(row), row.name());
    let mut cells = Cells::new(row, report, facts.zone);
    let psa = cells
        .text("external_source")
        .unwrap_or_else(|| facts.psa.to_owned());
    let psa_id = psa_id(&mut cells, id, facts);
    if let Some(psa_id) = psa_id {
        cells.state("external_id", psa_id);
        cells.state("external_source", psa.as_str());
    }
    let name = name(&mut cells, &key);
    cells.state("name", name);
    cells.state_texts(&[
        "first_name",
        "last_name",
        "email",
        "mobile_phone_number",
        "work_phone_number",
        "address",
        "job_title",
        "employment_type",
        "location_name",
        "language",
        "time_zone",
        "time_format",
        "background_information",
        "user_number",
    ]);
    cells.state_ints(&["reporting_manager_id", "location_id", "work_schedule_id"]);
    cells.state_flags(&[
        "active",
        "is_agent",
        "vip_user",
        "has_logged_in",
        "can_see_all_tickets_from_associated_departments",
        "can_see_all_changes_from_associated_departments",
    ]);
    for column in ["secondary_emails", "department_names"] {
        let texts = cells.texts(column);
        cells.state(column, texts);
    }
    // Only departments that the Flask service had linked: others would put the contact into more companies.
    let stated = cells.ints("department_ids");
    let linked = |id: &i64| {
        numbers
            .iter()
            .any(|number| facts.company(number) == Some(id.to_string().as_str()))
    };
    let departments: BTreeSet<i64> = stated.iter().copied().filter(linked).collect();
    cells.state(
        "department_ids",
        departments.into_iter().collect::<Vec<i64>>(),
    );
    if !stated.is_empty() {
        cells.keep("department_ids", stated);
    }
    let (external_id, keys) = if let Some(psa_id) = psa_id {
        let psa_id = psa_id.to_string();
        let source = source_key(&psa, &psa_id);
        (psa_id, vec![source])
    } else {
        let email = cells.text("email").unwrap_or_default();
        let companies = numbers.iter().filter_map(|number| facts.row(number));
        let keys = companies.filter_map(|company| email_key(company, &email));
        (format!("contact/{key}"), keys.collect())
    };
    Mapped::new(cells, external_id, id, keys)
}

/// The PSA's id of a requester. A text of the first generation has the second one's name for it, and stays beside.
fn psa_id(cells: &mut Cells<'_>, id: Option<i64>, facts: &Facts) -> Option<i64> {
    let of_first = cells.int("requester_id");
    let psa_id = if let Some(of_first) = of_first {
        let other = cells.text("external_id");
        let other = other.filter(|other| other.trim() != of_first.to_string());
        cells.state("psa_external_id", other);
        Some(of_first)
    } else {
        cells.int("external_id")
    };
    let Some(psa_id) = psa_id else {
        cells.flaw(Flaw::IdMissing);
        return None;
    };
    let last = facts.contact_ids.get(&psa_id.to_string());
    if last.is_some_and(|last| Some(*last) != id) {
        cells.flaw(Flaw::IdRepeated);
        return None;
    }
    Some(psa_id)
}

/// The name, without the word None for a part that is missing.
fn name(cells: &mut Cells<'_>, key: &str) -> String {
    let stored = cells.text("name");
    let parts = [cells.text("first_name"), cells.text("last_name")];
    let lacks = parts.iter().any(Option::is_none);
    let is_of_none = |name: &String| lacks && name.split_whitespace().any(|word| word == NONE);
    match stored {
        Some(name) if !is_of_none(&name) => return name,
        Some(_) => cells.flaw(Flaw::NameOfNone),
        None => cells.flaw(Flaw::NameMissing),
    }
    let names: Vec<String> = parts.into_iter().flatten().collect();
    if !names.is_empty() {
        return names.join(" ");
    }
    let email = cells.text("email").unwrap_or_default();
    let local = email.split('@').next().unwrap_or_default().trim();
    if local.is_empty() {
        format!("Contact {key}")
    } else {
        local.to_owned()
    }
}

/// An agent of the PSA; `None` for one that is left out or merged.
pub(in crate::import) fn psa_agent(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Option<Mapped<PsaAgent>> {
    let (id, key) = (id_of(row), row.name());
    let psa = row.get("external_source").unwrap_or(facts.psa).to_owned();
    let Some(psa_id) = row
        .get("external_id")
        .and_then(|id| id.trim().parse::<i64>().ok())
    else {
        report.skip(Flaw::IdMissing, &key);
        return None;
    };
    let last = facts.psa_agents.get(&format!("{psa}/{psa_id}"));
    if last.is_some_and(|last| Some(*last) != id) {
        report.merge(Flaw::IdRepeated, &key);
        return None;
    }
    let mut cells = Cells::new(row, report, facts.zone);
    cells.state("external_id", psa_id);
    cells.state("external_source", psa.as_str());
    cells.state_texts(&["email", "first_name", "last_name", "job_title"]);
    cells.state_flags(&["active"]);
    for column in ["department_ids", "group_ids"] {
        let ids = cells.ints(column);
        cells.state(column, ids);
    }
    let key = source_key(&psa, &psa_id.to_string());
    Some(Mapped::new(cells, key.clone(), id, vec![key]))
}

/// Somebody who logs in. Sources find agents by their id alone.
pub(in crate::import) fn agent(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Mapped<Agent> {
    let mut cells = Cells::new(row, report, facts.zone);
    let id = row.get("keycloak_id").unwrap_or_default().trim().to_owned();
    cells.state("keycloak_id", id.as_str());
    let username = cells.text("username").unwrap_or_else(|| {
        cells.flaw(Flaw::NameMissing);
        id.clone()
    });
    cells.state("username", username);
    if cells.text("email").is_none() {
        cells.flaw(Flaw::AgentWithoutEmail);
    }
    cells.state_texts(&["email", "first_name", "last_name"]);
    cells.state_flags(&["enabled"]);
    let known: [(&str, &[&str]); 4] = [
        ("theme_preference", &THEMES),
        ("preferred_color_theme", &COLOR_THEMES),
        ("knowledgetree_view_preference", &VIEWS),
        ("home_page_preference", &HOME_PAGES),
    ];
    for (column, words) in known {
        match cells.text(column) {
            Some(word) if words.contains(&word.trim()) => cells.state(column, word.trim()),
            Some(_) => cells.flaw(Flaw::PreferenceUnknown),
            None => {}
        }
    }
    Mapped::new(cells, id, None, Vec::new())
}
