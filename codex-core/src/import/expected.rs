//! What the new side should have of a row of the Flask service.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    bills::company_number,
    facts::Facts,
    flaws::Flaw,
    map::{assets, companies, people, plans, tickets},
    report::TableReport,
    shapes::{self, Shape},
    source::OldRow,
    tables::Table,
};

/// What a row should be.
#[derive(Debug)]
pub(super) struct Expected {
    /// The id of its claim; of links and jobs their key.
    pub id: String,
    /// The key of its record with what the record should say; `None` where nothing but its claim identifies it.
    pub record: Option<(String, Shape)>,
}

impl Expected {
    fn new(id: String, key: String, shape: Shape) -> Self {
        let record = Some((key, shape));
        Self { id, record }
    }

    /// A link or a job, which has nothing to compare but its key.
    fn key(key: String) -> Self {
        Self::new(key.clone(), key, Shape::new())
    }
}

/// What a row should be; `None` for one that is not imported, or with another row.
pub(super) fn expected(table: Table, row: &OldRow, facts: &Facts) -> Option<Expected> {
    let mut scratch = TableReport::default();
    let name = row.name();
    Some(match table {
        Table::Companies => {
            let id = companies::company(row, facts, &mut scratch)
                .record
                .external_id;
            let has_number = [Flaw::NumberRepeated, Flaw::KeyMissing]
                .iter()
                .all(|flaw| !scratch.flaws.contains_key(flaw.code()));
            Expected {
                id,
                record: has_number.then(|| (company_number(row), shapes::company(row, facts))),
            }
        }
        Table::Contacts => {
            let mapped = people::contact(row, &BTreeSet::new(), facts, &mut scratch);
            Expected::new(mapped.record.external_id, name, shapes::contact(row, facts))
        }
        Table::Assets => {
            let mapped = assets::asset(row, facts, &mut scratch);
            Expected::new(mapped.record.external_id, name, shapes::asset(row, facts))
        }
        Table::Agents => {
            let mapped = people::agent(row, facts, &mut scratch);
            let key = name.trim().to_owned();
            Expected::new(mapped.record.external_id, key, shapes::agent(row, facts))
        }
        Table::Plans => {
            let mapped = plans::plan(row, facts, &mut scratch)?;
            let shape = shapes::plan(row, mapped.id.unwrap_or_default(), facts);
            Expected::new(mapped.record.external_id, name, shape)
        }
        Table::Tickets => {
            let mapped = tickets::ticket(row, facts, &mut scratch)?;
            let key = ticket_number(row)?.to_string();
            let id = mapped.ticket.record.external_id;
            Expected::new(id, key, shapes::ticket(row, facts))
        }
        Table::Options => {
            let mapped = plans::option(row, facts, &mut scratch)?;
            let keys = ["feature_category", "option_value", "display_name"];
            Expected::new(mapped.record.external_id, name, plain(row, &keys))
        }
        Table::PsaAgents => {
            let id = people::psa_agent(row, facts, &mut scratch)?
                .record
                .external_id;
            let shape = plain(row, &["email", "first_name", "last_name", "job_title"]);
            Expected::new(id.clone(), id, shape)
        }
        Table::Sites | Table::FirstSites | Table::Locations | Table::Overrides => {
            return of_company(table, row, facts);
        }
        Table::ContactCompanies | Table::AssetContacts | Table::Jobs => {
            return link_or_job(table, row, facts);
        }
        Table::Features | Table::Labels => return None,
    })
}

/// What belongs to a company.
fn of_company(table: Table, row: &OldRow, facts: &Facts) -> Option<Expected> {
    let mut scratch = TableReport::default();
    let name = row.name();
    let number = Value::from(company_number(row));
    let of_company = ("company_account_number".to_owned(), number);
    Some(match table {
        Table::Locations => {
            let mapped = companies::location(row, facts, &mut scratch)?;
            let shape = shapes::location(row, facts);
            Expected::new(mapped.record.external_id, name, shape)
        }
        Table::Overrides => {
            let mapped = companies::override_of(row, facts, &mut scratch)?;
            let mut shape = plain(row, &["feature_key", "value"]);
            let enabled = mapped.record.fields.get("enabled").cloned();
            let enabled = enabled.unwrap_or(json!(true));
            shape.extend([of_company, ("override_enabled".to_owned(), enabled)]);
            Expected::new(mapped.record.external_id, name, shape)
        }
        _ => {
            let is_first = table == Table::FirstSites;
            let record = companies::site(row, facts, is_first, &mut scratch)?.record;
            let uid = record.fields.get("site_uid").and_then(Value::as_str);
            let uid = uid.unwrap_or_default().to_owned();
            Expected::new(record.external_id, uid, Shape::from_iter([of_company]))
        }
    })
}

fn link_or_job(table: Table, row: &OldRow, facts: &Facts) -> Option<Expected> {
    let name = row.name();
    match table {
        Table::ContactCompanies => {
            let number = company_number(row);
            let contact = name.split('/').next().unwrap_or_default();
            let is_there = facts.company(&number).is_some()
                && contact.parse().is_ok_and(|id| facts.contacts.contains(&id));
            is_there.then(|| Expected::key(format!("{contact}/{number}")))
        }
        Table::AssetContacts => {
            let mut ids = name.split('/').map(str::parse::<i64>);
            let asset = ids.next().and_then(Result::ok);
            let contact = ids.next().and_then(Result::ok);
            let is_there = asset.is_some_and(|id| facts.assets.contains(&id))
                && contact.is_some_and(|id| facts.contacts.contains(&id));
            is_there.then(|| Expected::key(name))
        }
        _ => {
            let job = super::run::job(row, facts, &mut TableReport::default());
            job.map(|job| Expected::key(job.id))
        }
    }
}

/// The columns of a row as they are.
fn plain(row: &OldRow, columns: &[&str]) -> Shape {
    let values = columns
        .iter()
        .map(|column| ((*column).to_owned(), row.get(column).into()));
    values.collect()
}

/// The PSA's number of a ticket.
pub(super) fn ticket_number(row: &OldRow) -> Option<i64> {
    let stated = row.get("external_id").or_else(|| row.get("ticket_number"));
    stated?.trim().parse().ok()
}
