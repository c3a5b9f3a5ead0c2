//! Contacts, the PSA's agents, and the people who log in.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    Made, OldFlaw, Options,
    companies::{NOBODY, Numbers},
    database::Writer,
    id_of,
    row::Row,
};
use crate::sim::World;

/// A contact that does not exist.
pub(super) const NO_CONTACT: i64 = 999_999_001;
/// Contacts with an id at the PSA that a later one has, at most: their ids are below the others'.
const MOST_REPEATED: usize = 400;
/// The address that people of several companies share.
const SHARED: &str = "shared@client.example";
const LINKS: &str = "contact_company_link";
const CONTACTS: &str = "contacts";

/// Contacts by the number of their company.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    pub by_company: HashMap<String, Vec<i64>>,
}

/// Writes contacts with their companies. The former service required an e-mail address, each once.
pub(super) async fn contacts(
    writer: &mut Writer,
    world: &World,
    options: &Options,
    numbers: &Numbers,
    made: &mut Made,
) -> anyhow::Result<Contacts> {
    let (mut contacts, mut seen) = (Contacts::default(), HashSet::new());
    for (n, requester) in world.requesters.iter().enumerate() {
        let Some(email) = requester["primary_email"].as_str() else {
            continue;
        };
        if !seen.insert(email.to_lowercase()) {
            continue;
        }
        let departments = requester["department_ids"].as_array();
        let departments = departments.into_iter().flatten().filter_map(Value::as_i64);
        let mut companies: Vec<&String> = departments
            .filter_map(|id| numbers.by_department.get(&id))
            .collect();
        let id = id_of(n);
        let mut row = contact(n, requester, email, options, made);
        let is_matched = !companies.is_empty() && email != SHARED;
        if options.has(OldFlaw::SourceIds) && options.is_second() && n % 20 == 15 && is_matched {
            row.set("external_id", None::<i64>);
            made.note(OldFlaw::SourceIds, CONTACTS, "source_id_missing");
        }
        writer.write("contacts", &row.with("id", id)).await?;
        if options.has(OldFlaw::SourceIds) && n % 40 == 1 && n / 40 < MOST_REPEATED {
            let stale = contact(
                n,
                requester,
                &format!("old-{n}@client.example"),
                options,
                made,
            );
            let earlier = id_of(n / 40) - super::FIRST_ID + 1;
            writer.write("contacts", &stale.with("id", earlier)).await?;
            made.note(OldFlaw::SourceIds, CONTACTS, "source_id_repeated");
        }
        made.contacts
            .insert(requester["id"].as_i64().unwrap_or_default(), id);

        let other = numbers.all.get((n / 15 * 7 + 3) % numbers.all.len().max(1));
        if options.has(OldFlaw::LocalLinks)
            && n % 15 == 4
            && let Some(other) = other.filter(|other| !companies.contains(other))
        {
            companies.push(other);
            made.note(OldFlaw::LocalLinks, LINKS, "link_local");
        }
        for number in companies {
            writer.write(LINKS, &link(id, number)).await?;
            let of_company = contacts.by_company.entry(number.clone()).or_default();
            of_company.push(id);
        }
    }
    if options.has(OldFlaw::Dangling) {
        let first = numbers.all.first().map_or(NOBODY, String::as_str);
        for row in [link(NO_CONTACT, first), link(NO_CONTACT + 1, NOBODY)] {
            writer.write(LINKS, &row).await?;
            made.note_left_out(OldFlaw::Dangling, LINKS, "link_orphaned");
        }
    }
    Ok(contacts)
}

fn link(contact: i64, number: &str) -> Row {
    Row::new()
        .with("contact_id", contact)
        .with("company_account_number", number)
}

fn contact(n: usize, requester: &Value, email: &str, options: &Options, made: &mut Made) -> Row {
    let mut row = Row::new();
    for column in [
        "first_name",
        "last_name",
        "active",
        "is_agent",
        "vip_user",
        "has_logged_in",
        "mobile_phone_number",
        "work_phone_number",
        "address",
        "secondary_emails",
        "job_title",
        "department_ids",
        "department_names",
        "reporting_manager_id",
        "location_id",
        "location_name",
        "language",
        "time_zone",
        "time_format",
        "can_see_all_tickets_from_associated_departments",
        "can_see_all_changes_from_associated_departments",
        "created_at",
        "updated_at",
        "background_information",
    ] {
        row.set(column, &requester[column]);
    }
    row.set("title", &requester["job_title"]);
    row.set("primary_email", email);
    row.set("email", email);
    row.set("employment_type", "Full Time");
    row.set("freshservice_id", &requester["id"]);
    row.set("external_source", "freshservice");
    if options.is_second() {
        row.set("external_id", &requester["id"]);
    } else {
        // A text of the PSA's in the first generation.
        row.set("external_id", n.is_multiple_of(4).then(|| format!("E-{n}")));
    }
    let names = [&requester["first_name"], &requester["last_name"]];
    let known: Vec<&str> = names.iter().filter_map(|name| name.as_str()).collect();
    if known.len() < names.len() && options.has(OldFlaw::NamesOfNone) {
        let parts = names.map(|name| name.as_str().unwrap_or("None"));
        row.set("name", parts.join(" "));
        made.note(OldFlaw::NamesOfNone, CONTACTS, "name_none");
    } else {
        row.set("name", known.join(" "));
    }
    if options.has(OldFlaw::Lists) && n % 40 == 20 {
        row.set("secondary_emails", format!("{{alias{n}@client.example}}"));
        made.note(OldFlaw::Lists, CONTACTS, "list_respelled");
    }
    if options.has(OldFlaw::Lists) && n % 50 == 49 {
        row.set("secondary_emails", "oops \"");
        made.note(OldFlaw::Lists, CONTACTS, "list_unreadable");
    }
    row
}

/// Writes the PSA's agents.
pub(super) async fn psa_agents(
    writer: &mut Writer,
    world: &World,
    options: &Options,
    made: &mut Made,
) -> anyhow::Result<()> {
    let table = "psa_agents";
    if !writer.schema.has_table(table) {
        return Ok(());
    }
    let row = |id: i64, agent: &Value| {
        let mut row = Row::new().with("id", id);
        for column in ["email", "first_name", "last_name", "active", "job_title"] {
            row.set(column, &agent[column]);
        }
        for column in ["created_at", "updated_at"] {
            row.set(column, &agent[column]);
        }
        row.set("external_id", &agent["id"]);
        row.set("external_source", "freshservice");
        row.with("group_ids", &agent["member_of"])
    };
    for (n, agent) in world.agents.iter().enumerate() {
        writer.write(table, &row(id_of(n), agent)).await?;
    }
    if options.has(OldFlaw::Repeated)
        && let Some(first) = world.agents.first()
    {
        writer.write(table, &row(1, first)).await?;
        made.note_left_out(OldFlaw::Repeated, table, "source_id_repeated");
    }
    Ok(())
}

/// Writes the people who log in. The former service took each e-mail address once.
pub(super) async fn agents(
    writer: &mut Writer,
    world: &World,
    options: &Options,
    made: &mut Made,
) -> anyhow::Result<()> {
    let table = "agents";
    let mut seen = HashSet::new();
    for (n, user) in world.users.iter().enumerate() {
        let email = user["email"].as_str();
        let is_service = !user["serviceAccountClientId"].is_null();
        let is_again = email.is_some_and(|email| !seen.insert(email.to_lowercase()));
        let is_missing = email.is_none();
        if is_service || is_again || (is_missing && !options.has(OldFlaw::Nulls)) {
            continue;
        }
        let mut row = Row::new();
        row.set("keycloak_id", &user["id"]);
        row.set("username", &user["username"]);
        row.set("email", &user["email"]);
        row.set("first_name", &user["firstName"]);
        row.set("last_name", &user["lastName"]);
        row.set("enabled", &user["enabled"]);
        row.set("theme_preference", ["light", "dark"][n % 2]);
        row.set(
            "knowledgetree_view_preference",
            ["grid", "tree", "list"][n % 3],
        );
        row.set("preferred_color_theme", ["purple", "blue"][n % 2]);
        row.set("home_page_preference", ["beacon", "codex"][n % 2]);
        if is_missing {
            made.note(OldFlaw::Nulls, table, "agent_email_missing");
        }
        if options.has(OldFlaw::Preferences) && n % 10 == 1 {
            row.set("theme_preference", "solarized");
            made.note(OldFlaw::Preferences, table, "preference_unknown");
        }
        writer.write(table, &row).await?;
    }
    Ok(())
}
