//! The list of tickets: open ones, unless somebody asks for others.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use codex_core::{
    Access,
    companies::{COMPANY_NUMBER, CompanyRef, ComplianceLevel},
    list::{Filter, ListedResource, Op, Page, PageRequest},
    tickets::{
        Ticket,
        query::{LISTING, TicketFilter},
        status::{self, Statuses},
        wire::TicketOut,
    },
};
use serde_json::{Value, json};

use super::{LIST, agents, status_label};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        address::ListAddress,
        fields::{age, moment, values},
        record::{AtFirst, BesideColumn, PageRecord, RecordPages, ResourceDef},
        shell::Shell,
        table::Cell,
        visit::Visit,
    },
};

/// Columns whose cells stand out.
const PRIORITY: &str = "priority";
const DUE: &str = "due";
/// When a ticket is due, and whether an open ticket is overdue: for the cell of [`DUE`].
const DUE_AT: &str = "due.at";
const IS_LATE: &str = "due.is_late";

const fn column(name: &'static str, label: &'static str) -> BesideColumn {
    BesideColumn::new(name, label, Access::Everyone)
}

/// A ticket of the list, with what its page knows besides.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ListedTicket {
    pub ticket: Ticket,
    pub out: TicketOut,
    pub status: String,
    /// Whether it is open.
    pub is_open: bool,
    /// The agent in charge; clients see none.
    pub responder: Option<String>,
    pub now: DateTime<Utc>,
}

impl ListedTicket {
    /// A ticket; `agents` are names of the PSA's agents by their ids there.
    pub fn new(
        ticket: Ticket,
        statuses: &Statuses,
        agents: &HashMap<i64, String>,
        now: DateTime<Utc>,
    ) -> Self {
        let status = ticket.fields.status_id.map(|id| statuses.of(id));
        let responder = ticket.fields.responder_id.map(|id| {
            let name = agents.get(&id).cloned();
            name.unwrap_or_else(|| format!("Agent {id}"))
        });
        Self {
            out: TicketOut::new(&ticket, statuses),
            status: status_label(&ticket, statuses),
            is_open: status.is_none_or(|status| !status.is_closed()),
            responder,
            ticket,
            now,
        }
    }
}

/// Tickets as a list. Their pages are of their own.
pub(in crate::pages) struct Tickets;

impl RecordPages for Tickets {
    type Record = Ticket;
    type Found = ListedTicket;

    const DEF: &'static ResourceDef = &ResourceDef {
        path: LIST,
        key: "number",
        noun: "ticket",
        title: "Tickets",
        listing: &LISTING,
        form: &[],
        beside: &[],
        columns: &[
            "id",
            "subject",
            "company",
            "requester",
            "responder",
            "status",
            PRIORITY,
            "created_at",
            "updated_at",
            DUE,
        ],
        beside_columns: &[
            column("id", "Number").sorted_by("id"),
            BesideColumn::COMPANY.sorted_by(COMPANY_NUMBER),
            column("requester", "Requester"),
            BesideColumn::new("responder", "Responder", Access::Staff),
            column("status", "Status").sorted_by("status"),
            column(PRIORITY, "Priority").sorted_by("priority"),
            column("created_at", "Created")
                .sorted_by("created_at")
                .of_moments(),
            column("updated_at", "Updated")
                .sorted_by("last_updated_at")
                .of_moments(),
            column(DUE, "Due").sorted_by("due_by"),
        ],
        // What the columns above say in words.
        apart: &[
            "number",
            "external_id",
            "external_source",
            "status_id",
            "priority_id",
            "requester_id",
            "requester_name",
            "requester_email",
            "responder_id",
            "department_id",
            "channel",
            "urgency",
            "impact",
            "opened_at",
            "last_updated_at",
            "due_by",
        ],
        at_first: Some(AtFirst {
            filter: None,
            until: &["status", "status_id", "closed_at", "resolved_at"],
            noun: "open ticket",
            narrowed: "Open tickets only",
            whole: "All tickets",
        }),
        claims: None,
        listed: Some(ListedResource::Tickets),
        export: Some("tickets"),
        tabs: &[],
        empty: (
            "There are no tickets yet. They come with the first sync of tickets.",
            "Your companies have no tickets.",
        ),
        deleting: "",
    };
    const ORDER: &'static str = "-last_updated_at";

    fn shown(found: &Self::Found) -> PageRecord {
        let (ticket, out) = (&found.ticket, &found.out);
        let fields = &ticket.fields;
        let number = fields.number.to_string();
        let subject = out.subject.clone().filter(|text| !text.trim().is_empty());
        let subject = subject.unwrap_or_else(|| "(no subject)".to_owned());
        let requester = out.requester_name.as_ref().or(out.requester_email.as_ref());
        let priority = fields.priority_id.and_then(status::priority);
        let due = fields
            .due_by
            .map(|at| due_words(at, found.now, found.is_open));
        let is_late = fields.due_by.is_some_and(|at| at < found.now) && found.is_open;
        let company = ticket.company_name.clone().map(|name| CompanyRef {
            account_number: ticket.account_number.clone(),
            name,
            compliance_level: ComplianceLevel::default(),
        });
        let mut all = values(fields);
        let own = [
            ("id", json!(out.ticket_number)),
            ("subject", json!(subject)),
            ("requester", json!(requester)),
            ("responder", json!(found.responder)),
            ("status", json!(found.status)),
            (PRIORITY, json!(priority.map(|(_, label)| label))),
            ("created_at", json!(out.created_at)),
            ("updated_at", json!(out.last_updated_at)),
            (DUE, json!(due)),
            (DUE_AT, json!(fields.due_by.map(moment))),
            (IS_LATE, json!(is_late)),
        ];
        all.extend(own.map(|(name, value)| (name.to_owned(), value)));
        PageRecord {
            id: ticket.id.0,
            name: number.clone(),
            key: number,
            values: all,
            updated_at: ticket.updated_at,
            companies: company.into_iter().collect(),
            ..PageRecord::default()
        }
    }

    async fn list(
        visit: &Visit,
        _asked: &ListAddress,
        request: &PageRequest,
    ) -> codex_core::Result<Page<Self::Found>> {
        let (codex, scope) = (&visit.call.codex, visit.scope());
        let all = TicketFilter::default();
        let page = codex.tickets_page(scope, &all, request).await?;
        let (statuses, agents) = (codex.ticket_statuses().await?, agents(visit).await?);
        let now = codex.now();
        Ok(page.map(|ticket| ListedTicket::new(ticket, &statuses, &agents, now)))
    }

    async fn find(visit: &Visit, key: &str) -> codex_core::Result<Option<Self::Found>> {
        let Ok(number) = key.parse() else {
            return Ok(None);
        };
        let codex = &visit.call.codex;
        let Some((ticket, _)) = codex.ticket(visit.scope(), number).await? else {
            return Ok(None);
        };
        let (statuses, agents) = (codex.ticket_statuses().await?, agents(visit).await?);
        let found = ListedTicket::new(ticket, &statuses, &agents, codex.now());
        Ok(Some(found))
    }

    async fn narrow(visit: &Visit, request: &mut PageRequest) -> codex_core::Result<()> {
        let statuses = visit.call.codex.ticket_statuses().await?;
        request.filters.extend(open(&statuses));
        Ok(())
    }

    fn decorate(at: &Forwarded, record: &PageRecord, cell: &mut Cell) {
        match cell.field {
            "subject" => cell.href = Some(at.link(&format!("{LIST}{}", record.key))),
            PRIORITY => cell.badge = priority_badge(&cell.text.to_lowercase()),
            DUE => {
                let at = record.values.get(DUE_AT).and_then(Value::as_str);
                cell.title = at.map(str::to_owned);
                let is_late = record.values.get(IS_LATE).and_then(Value::as_bool);
                cell.badge = is_late.unwrap_or_default().then_some("badge--danger");
            }
            _ => {}
        }
    }
}

/// Filters that keep open tickets.
fn open(statuses: &Statuses) -> Vec<Filter> {
    let closed = statuses.closed().into_iter();
    let not = closed.map(|id| Filter::new(&Op::Ne.parameter("status_id"), &id.to_string()));
    // A ticket without a status is not known to be open.
    let known = Filter::new(&Op::IsNull.parameter("status_id"), "false");
    not.chain([known]).collect()
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
        badge: known.and_then(|(word, _)| priority_badge(word)),
        ..Cell::default()
    }
}

/// The class of a priority that is highlighted.
fn priority_badge(word: &str) -> Option<&'static str> {
    match word {
        "urgent" => Some("badge--danger"),
        "high" => Some("badge--warning"),
        _ => None,
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
    fn open_tickets_have_a_status_that_is_not_closed() {
        let filters = open(&Statuses::default());
        let words: Vec<(Op, &str)> = filters
            .iter()
            .map(|filter| (filter.op, filter.value.as_str()))
            .collect();
        assert_eq!(words, [(Op::Ne, "4"), (Op::Ne, "5"), (Op::IsNull, "false")]);
        assert!(filters.iter().all(|filter| filter.name == "status_id"));
    }

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
