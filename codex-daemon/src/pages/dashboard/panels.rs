//! Short lists on a dashboard.

use chrono::{DateTime, Utc};
use codex_core::{
    dashboard::wire::{DashboardAssetOut, DashboardContractOut, DashboardOut, DashboardTicketOut},
    schedule::Planned,
};

use super::{charts::ending_before, links::Links};
use crate::pages::{
    chart::{SmallCell, SmallTable},
    fields::{age, capitalized, label, moment},
};

/// A short list with its title.
#[derive(Debug)]
pub(in crate::pages) struct Panel {
    pub id: &'static str,
    pub title: String,
    /// The whole list, and what the link to it says.
    pub href: Option<String>,
    pub link: &'static str,
    pub table: SmallTable,
}

impl Panel {
    fn new(
        (id, title): (&'static str, &str),
        heads: &[&str],
        rows: Vec<Vec<SmallCell>>,
        empty: &'static str,
    ) -> Self {
        Self {
            id,
            title: title.to_owned(),
            href: None,
            link: "All",
            table: SmallTable {
                caption: title.to_owned(),
                heads: heads.iter().map(|head| (*head).to_owned()).collect(),
                rows,
                empty,
            },
        }
    }

    fn of(self, href: String, link: &'static str) -> Self {
        Self {
            href: Some(href),
            link,
            ..self
        }
    }
}

/// A moment as its age, with the exact time beside it.
fn ago(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> SmallCell {
    match at {
        Some(at) => SmallCell::new(age(at, now)).titled(moment(at)),
        None => SmallCell::new("unknown"),
    }
}

/// A moment that is to come, in words.
fn ahead(at: DateTime<Utc>, now: DateTime<Utc>) -> SmallCell {
    // An age, seen from then.
    let words = age(now, at);
    let words = match words.strip_suffix(" ago") {
        Some(span) => format!("in {span}"),
        None => "now".to_owned(),
    };
    SmallCell::new(words).titled(moment(at))
}

fn company(links: &Links<'_>, number: Option<&str>, name: Option<&str>) -> SmallCell {
    let cell = SmallCell::new(name.unwrap_or("no company"));
    match number {
        Some(number) => cell.to(links.company(number)),
        None => cell,
    }
}

fn ticket(links: &Links<'_>, ticket: &DashboardTicketOut, when: SmallCell) -> Vec<SmallCell> {
    let subject = ticket.subject.as_deref().unwrap_or("no subject");
    let subject = format!("#{} {subject}", ticket.number);
    let path = format!("/tickets/{}", ticket.number);
    let (number, name) = (&ticket.company_account_number, &ticket.company_name);
    let priority = ticket.priority.as_deref().map(capitalized);
    vec![
        SmallCell::new(subject).to(links.path(&path)),
        company(links, number.as_deref(), name.as_deref()),
        SmallCell::new(priority.unwrap_or_default()),
        when,
    ]
}

fn due(ticket: &DashboardTicketOut, now: DateTime<Utc>) -> SmallCell {
    match ticket.due_by {
        None => SmallCell::new("not due"),
        Some(at) if ticket.is_overdue => SmallCell {
            text: format!("overdue since {}", age(at, now).trim_end_matches(" ago")),
            class: Some("status-text--danger"),
            ..SmallCell::default().titled(moment(at))
        },
        Some(at) => ahead(at, now),
    }
}

/// Open tickets of the visitor; `None` for somebody who is no agent of the PSA.
pub(super) fn own(links: &Links<'_>, numbers: &DashboardOut) -> Option<Panel> {
    let own = numbers.own.as_ref()?;
    let tickets = own.tickets.iter();
    let rows = tickets.map(|one| ticket(links, one, due(one, links.now)));
    let heads = ["Ticket", "Company", "Priority", "Due"];
    let empty = "No open ticket is assigned to you.";
    let panel = Panel::new(
        ("own-tickets", "My open tickets"),
        &heads,
        rows.collect(),
        empty,
    );
    let responder = own.responder_id.to_string();
    let mine = [("responder_id", responder.as_str()), ("sort", "due_by")];
    Some(panel.of(links.open_tickets(&mine), "All of mine"))
}

/// The newest open tickets.
pub(super) fn newest(links: &Links<'_>, numbers: &DashboardOut) -> Panel {
    let tickets = numbers.tickets.newest.iter();
    let rows = tickets.map(|one| ticket(links, one, ago(one.opened_at, links.now)));
    let heads = ["Ticket", "Company", "Priority", "Opened"];
    let names = ("newest-tickets", "Newest open tickets");
    let panel = Panel::new(names, &heads, rows.collect(), "No ticket is open.");
    panel.of(
        links.open_tickets(&[("sort", "-created_at")]),
        "All open tickets",
    )
}

fn asset(links: &Links<'_>, asset: &DashboardAssetOut) -> Vec<SmallCell> {
    let name = asset.hostname.as_deref().unwrap_or("no host name");
    let (number, company_name) = (&asset.company_account_number, &asset.company_name);
    vec![
        SmallCell::new(name).to(links.path(&format!("/assets/{}", asset.id))),
        company(links, number.as_deref(), company_name.as_deref()),
        ago(asset.last_seen, links.now),
    ]
}

/// Devices that went offline today.
pub(super) fn went_offline(links: &Links<'_>, numbers: &DashboardOut) -> Panel {
    let assets = numbers.assets.went_offline.iter();
    let rows = assets.map(|one| asset(links, one)).collect();
    let heads = ["Asset", "Company", "Last seen"];
    let names = ("went-offline", "Went offline today");
    let panel = Panel::new(names, &heads, rows, "No asset went offline today (UTC).");
    panel.of(links.went_offline(), "All of today")
}

fn contract(links: &Links<'_>, one: &DashboardContractOut) -> Vec<SmallCell> {
    vec![
        SmallCell::new(&one.name).to(links.company(&one.account_number)),
        SmallCell::new(&one.account_number),
        SmallCell::new(one.contract_end_date.as_deref().unwrap_or("unknown")),
    ]
}

/// Contracts that end soon, and companies without a plan.
pub(super) fn contracts(links: &Links<'_>, numbers: &DashboardOut) -> Vec<Panel> {
    let Some(contracts) = &numbers.contracts else {
        return Vec::new();
    };
    let rows = |of: &[DashboardContractOut]| of.iter().map(|one| contract(links, one)).collect();
    let heads = ["Company", "Account number", "Contract ends"];
    let names = ("ending-contracts", "Contracts ending within 90 days");
    let empty = "No contract ends within 90 days.";
    let ending = Panel::new(names, &heads, rows(&contracts.ending), empty);
    let today = links.now.date_naive().to_string();
    let ending = ending.of(
        links.contracts(&today, &ending_before(links)),
        "All of them",
    );
    let names = ("without-plan", "Companies without a plan");
    let empty = "Every company has a plan.";
    let without = Panel::new(
        names,
        &heads,
        rows(&contracts.without_plan_companies),
        empty,
    );
    let href = links.having("/companies/", "billing_plan", None);
    vec![ending, without.of(href, "All of them")]
}

/// Syncs that run by themselves, the next first.
pub(super) fn schedule(links: &Links<'_>, mut planned: Vec<Planned>) -> Panel {
    planned.sort_by_key(|one| one.next_at);
    let rows = planned.iter().map(|one| {
        vec![
            SmallCell::new(label(&one.name)),
            ahead(one.next_at, links.now),
            match one.last_at {
                Some(at) => ago(Some(at), links.now),
                None => SmallCell::new("never"),
            },
        ]
    });
    let heads = ["Schedule", "Next run", "Last run"];
    let names = ("schedule", "Schedule");
    let panel = Panel::new(names, &heads, rows.collect(), "No sync is scheduled.");
    panel.of(links.path("/sync/"), "All syncs")
}

/// Facts of the program: name and value.
pub(super) fn system(links: &Links<'_>, facts: Vec<(&'static str, String)>) -> Panel {
    let rows = facts.into_iter();
    let rows = rows.map(|(name, value)| vec![SmallCell::new(name), SmallCell::new(value)]);
    let names = ("system", "System");
    let panel = Panel::new(
        names,
        &["What", "Value"],
        rows.collect(),
        "Nothing is known.",
    );
    panel.of(links.path("/health"), "Health")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_to_come_are_in_words() {
        let now = DateTime::from_timestamp(100_000_000, 0).unwrap();
        let hours = chrono::TimeDelta::hours(3);
        assert_eq!(ahead(now + hours, now).text, "in 3 hours");
        assert_eq!(ahead(now - hours, now).text, "now");
    }
}
