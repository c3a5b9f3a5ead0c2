//! The list of tickets: open ones, unless somebody asks for others.

use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    address::segment,
    list::{Filter, Page},
    plural::count_of,
    tickets::{
        Ticket,
        query::LISTING,
        status::{self, Statuses},
        wire::TicketOut,
    },
};

use super::{LIST, path_of, status_label};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        address::ListAddress,
        fields::{age, moment},
        shell::Shell,
        table::{Cell, Chip, Head, ListView, TableView},
    },
};

/// The list's own order.
const ORDER: &str = "-last_updated_at";
/// Filters that say which tickets of which state are wanted.
const STATES: [&str; 4] = ["status", "status_id", "closed_at", "resolved_at"];

/// The columns: what they are called, what they are sorted by, and whether clients see them.
const COLUMNS: [(&str, Option<&str>, bool); 10] = [
    ("Number", Some("id"), true),
    ("Subject", Some("subject"), true),
    ("Company", Some("company_account_number"), true),
    ("Requester", None, true),
    ("Responder", None, false),
    ("Status", Some("status"), true),
    ("Priority", Some("priority"), true),
    ("Created", Some("created_at"), true),
    ("Updated", Some("last_updated_at"), true),
    ("Due", Some("due_by"), true),
];

/// Whether a list shows open tickets alone: by default, and while no filter asks for a state.
pub(super) fn is_of_open(asked: &ListAddress) -> bool {
    let mut filters = asked.filters.iter();
    let asks = filters.any(|(name, value)| {
        let filter = Filter::new(name, value);
        STATES.contains(&filter.name.as_str())
    });
    !asked.all && !asks
}

/// What is known beside the tickets.
pub(super) struct Known<'k> {
    pub statuses: &'k Statuses,
    /// Names of the PSA's agents by their ids there.
    pub agents: &'k HashMap<i64, String>,
    pub now: DateTime<Utc>,
}

/// The list of tickets as a page.
#[derive(Debug, Template)]
#[template(path = "tickets/list.html")]
pub(in crate::pages) struct TicketListView {
    shell: Shell,
    list: ListView,
    /// The link to all tickets, or to the open ones.
    other: Option<(&'static str, String)>,
}

impl TicketListView {
    /// A page of the list.
    pub(super) fn new(
        at: &Forwarded,
        scope: &Scope,
        asked: &ListAddress,
        page: &Page<Ticket>,
        known: &Known<'_>,
    ) -> Self {
        let is_open = is_of_open(asked);
        let table = TableView {
            caption: if is_open { "Open tickets" } else { "Tickets" }.to_owned(),
            heads: heads(at, scope, asked),
            rows: page
                .items
                .iter()
                .map(|ticket| row(at, scope, ticket, known))
                .collect(),
            empty: empty(scope, asked, is_open).to_owned(),
        };
        let count = match page.total {
            Some(total) => format!("{} in all", count_of(total, "ticket")),
            None => format!("{} on this page", count_of(page.items.len(), "ticket")),
        };
        let next = page.next.as_ref();
        let mut list = ListView::new(at, scope, &LISTING, asked, next, count, table);
        if is_open {
            let chip = Chip {
                text: "Open tickets only".to_owned(),
                href: asked.with_all(true).href(at),
            };
            list.chips.insert(0, chip);
        }
        let other = if is_open {
            Some(("All tickets", asked.with_all(true).href(at)))
        } else {
            asked
                .all
                .then(|| ("Open tickets only", asked.with_all(false).href(at)))
        };
        Self {
            shell: Shell::new(at, "Tickets"),
            list,
            other,
        }
    }
}

fn is_shown(scope: &Scope, for_clients: bool) -> bool {
    for_clients || scope.companies().is_none()
}

fn heads(at: &Forwarded, scope: &Scope, asked: &ListAddress) -> Vec<Head> {
    let columns = COLUMNS.into_iter();
    let shown = columns.filter(|(_, _, for_clients)| is_shown(scope, *for_clients));
    let heads = shown.map(|(label, column, _)| Head {
        label: label.to_owned(),
        href: column.map(|column| asked.sorted(column, ORDER).href(at)),
        aria_sort: column.and_then(|column| asked.direction(column, ORDER)),
    });
    heads.collect()
}

/// The cells of a ticket, in the order of the columns.
fn row(at: &Forwarded, scope: &Scope, ticket: &Ticket, known: &Known<'_>) -> Vec<Cell> {
    let fields = &ticket.fields;
    let out = TicketOut::new(ticket, known.statuses);
    let text = |text: Option<String>| Cell {
        text: text.unwrap_or_default(),
        ..Cell::default()
    };
    let link = |text: String, path: String| Cell {
        text,
        href: Some(at.link(&path)),
        ..Cell::default()
    };
    let company = match (&ticket.company_name, &ticket.account_number) {
        (Some(name), Some(number)) => link(name.clone(), format!("/companies/{}", segment(number))),
        (name, _) => text(name.clone()),
    };
    let subject = out.subject.clone().filter(|text| !text.trim().is_empty());
    let responder = fields.responder_id.map(|id| {
        let name = known.agents.get(&id).cloned();
        name.unwrap_or_else(|| format!("Agent {id}"))
    });
    let path = path_of(fields.number);
    let cells = [
        link(out.ticket_number.clone(), path.clone()),
        link(subject.unwrap_or_else(|| "(no subject)".to_owned()), path),
        company,
        text(out.requester_name.or(out.requester_email)),
        text(responder),
        text(Some(status_label(ticket, known.statuses))),
        priority(fields.priority_id),
        time(out.created_at, known.now),
        time(Some(out.last_updated_at), known.now),
        due(ticket, known),
    ];
    let cells = cells.into_iter().zip(COLUMNS);
    let shown = cells.filter(|(_, (_, _, for_clients))| is_shown(scope, *for_clients));
    shown.map(|(cell, _)| cell).collect()
}

/// A time as its age, with the exact one on hover.
fn time(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Cell {
    Cell {
        text: at.map(|at| age(at, now)).unwrap_or_default(),
        title: at.map(moment),
        ..Cell::default()
    }
}

/// When a ticket is due: how long that is ahead, or how long it is overdue while somebody works on it.
fn due(ticket: &Ticket, known: &Known<'_>) -> Cell {
    let Some(at) = ticket.fields.due_by else {
        return Cell::default();
    };
    let status = ticket.fields.status_id.map(|id| known.statuses.of(id));
    let is_open = status.is_none_or(|status| !status.is_closed());
    let is_late = at < known.now && is_open;
    Cell {
        text: due_words(at, known.now, is_open),
        title: Some(moment(at)),
        badge: is_late.then_some("badge--danger"),
        ..Cell::default()
    }
}

/// A time that is due, such as `in 3 days` or `overdue, 2 hours ago`.
pub(super) fn due_words(at: DateTime<Utc>, now: DateTime<Utc>, is_open: bool) -> String {
    if at < now {
        let past = age(at, now);
        return if is_open {
            format!("overdue, {past}")
        } else {
            past
        };
    }
    // The age of now, seen from then.
    match age(now, at).strip_suffix(" ago") {
        Some(ahead) => format!("in {ahead}"),
        None => "now".to_owned(),
    }
}

/// A priority; the urgent ones stand out.
pub(super) fn priority(id: Option<i64>) -> Cell {
    let known = id.and_then(status::priority);
    Cell {
        text: known.map(|(_, label)| label.to_owned()).unwrap_or_default(),
        badge: known.and_then(|(word, _)| match word {
            "urgent" => Some("badge--danger"),
            "high" => Some("badge--warning"),
            _ => None,
        }),
        ..Cell::default()
    }
}

/// Why the list is empty.
fn empty(scope: &Scope, asked: &ListAddress, is_open: bool) -> &'static str {
    match (asked.is_narrowed() || asked.is_behind(), is_open) {
        (true, true) => {
            "No open ticket fits the search and the filters. Search all tickets to find closed ones."
        }
        (true, false) => "No ticket fits the search and the filters.",
        (false, true) => "No ticket is open.",
        (false, false) if scope.companies().is_some() => "Your companies have no tickets.",
        (false, false) => "There are no tickets yet. They come with the first sync of tickets.",
    }
}

/// Where the list is, for the way to what is below it.
pub(super) fn crumb(at: &Forwarded, title: &str) -> Shell {
    Shell::new(at, title).under("Tickets", at.link(LIST))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn due_times_are_ahead_or_overdue() {
        let now = DateTime::from_timestamp(100_000_000, 0).unwrap();
        for (hours, is_open, wanted) in [
            (-3, true, "overdue, 3 hours ago"),
            (-3, false, "3 hours ago"),
            (0, true, "now"),
            (26, true, "in 1 day"),
        ] {
            let at = now + TimeDelta::hours(hours);
            assert_eq!(due_words(at, now, is_open), wanted);
        }
    }
}
