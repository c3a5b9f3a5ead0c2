//! A ticket's page.

use std::collections::HashMap;

use askama::Template;
use axum::http::Uri;
use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    address::segment,
    outbox::{OutboxEntry, OutboxKind},
    plural::count_of,
    seen::SinceSeen,
    tickets::{
        Conversation, Ticket,
        query::LISTING,
        status::Statuses,
        wire::{TicketOut, TimeEntryOut},
    },
};
use serde_json::Value;

use super::{
    EDITORS,
    changes::FormView,
    list::{crumb, due_words, priority},
    messages::{self, MESSAGES, Message, MessageText},
    notice, path_of, status_label,
};
use crate::{
    http::{extract::without_nul, forwarded::Forwarded, problem::Problem},
    pages::{
        fields::{age, changed_since, label, moment, visible},
        parts::cell,
        shell::Shell,
        table::{Cell, Head, TableView},
    },
};

/// The most time entries that are listed.
const ENTRIES: usize = 100;

/// The query of a ticket's page.
#[derive(Debug, Default)]
pub(super) struct DetailQuery {
    /// How many of the newest messages are passed over.
    pub skip: usize,
    pub done: Option<String>,
}

impl DetailQuery {
    /// Reads a query.
    ///
    /// # Errors
    /// 400 that names a parameter that is unknown, or that cannot be read.
    pub fn read(uri: &Uri) -> Result<Self, Problem> {
        let mut query = Self::default();
        let text = uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            without_nul(&name, &value)?;
            match &*name {
                "skip" => {
                    let refused = |_| Problem::bad_request("skip: must be a whole number from 0");
                    query.skip = value.parse().map_err(refused)?;
                }
                "done" => query.done = Some(value.into_owned()),
                _ => {
                    let message = format!("unknown parameter `{name}`");
                    return Err(Problem::bad_request(message));
                }
            }
        }
        Ok(query)
    }
}

/// What is known beside a ticket.
#[derive(Debug)]
pub(super) struct Beside<'b> {
    pub statuses: &'b Statuses,
    /// Names of the PSA's agents by their ids there; empty for clients, and so are the next three.
    pub agents: HashMap<i64, String>,
    pub entries: Vec<TimeEntryOut>,
    pub attachments: Vec<Value>,
    pub outbox: Vec<OutboxEntry>,
    /// What has changed since the person last looked.
    pub seen: Option<SinceSeen>,
    pub now: DateTime<Utc>,
}

/// A fact about a ticket.
#[derive(Debug)]
pub(super) struct Fact {
    label: &'static str,
    value: String,
    href: Option<String>,
    /// The exact time of an age.
    title: Option<String>,
}

/// A ticket as a page.
#[derive(Debug, Template)]
#[template(path = "tickets/show.html")]
pub(in crate::pages) struct TicketView {
    shell: Shell,
    heading: String,
    number: i64,
    status: String,
    priority: Cell,
    facts: Vec<Fact>,
    /// What has changed since the person last looked.
    changed: Option<String>,
    /// What the ticket was opened with.
    description: MessageText,
    /// Files of the ticket itself.
    files: Vec<String>,
    messages: Vec<Message>,
    /// How many messages there are.
    count: String,
    earlier: Option<String>,
    newest: Option<String>,
    /// Time entries; `None` for clients.
    entries: Option<TableView>,
    /// Changes of the status on their way to the PSA; `None` when there are none.
    changes: Option<TableView>,
    form: Option<FormView>,
    /// Why there is no form, for staff.
    refused: Option<&'static str>,
    /// The same in the API.
    json: String,
}

impl TicketView {
    /// A ticket with what was `said` on it, oldest first.
    pub(super) fn new(
        at: &Forwarded,
        scope: &Scope,
        query: &DetailQuery,
        ticket: &Ticket,
        said: &[Conversation],
        beside: &Beside<'_>,
        form: Option<FormView>,
    ) -> Self {
        let number = ticket.fields.number;
        let path = at.link(&path_of(number));
        let is_staff = scope.companies().is_none();
        let subject = ticket.fields.subject.clone().unwrap_or_default();
        let heading = match subject.trim() {
            "" => format!("Ticket {number}"),
            subject => subject.to_owned(),
        };
        let end = said.len().saturating_sub(query.skip);
        let start = end.saturating_sub(MESSAGES);
        let shown = said[start..end].iter();
        let last = beside.seen.as_ref().map(|seen| seen.at);
        let message = |item: &Conversation| Message {
            is_new: last.is_some_and(|last| item.created_at.is_some_and(|at| at > last)),
            ..Message::new(item, &beside.agents, &beside.outbox, is_staff, beside.now)
        };
        let changes = changes(beside);
        Self {
            shell: crumb(at, &format!("{number} {heading} \u{b7} Ticket"))
                .saying(notice(query.done.as_deref())),
            status: status_label(ticket, beside.statuses),
            priority: priority(ticket.fields.priority_id),
            facts: facts(at, scope, ticket, beside),
            changed: changed(scope, said, beside),
            description: MessageText::new(
                ticket.description.as_deref(),
                ticket.description_text.as_deref(),
            ),
            files: messages::files(&beside.attachments),
            messages: shown.map(message).collect(),
            count: match said.len() {
                0 => "Nobody has said anything on this ticket yet.".to_owned(),
                _ if start == end => "There are no earlier messages.".to_owned(),
                all if all > end - start => {
                    format!("Messages {} to {end} of {all}", start + 1)
                }
                all => count_of(all, "message"),
            },
            earlier: (start > 0).then(|| format!("{path}?skip={}", said.len() - start)),
            newest: (query.skip > 0).then(|| path.clone()),
            entries: is_staff.then(|| entries(beside)),
            changes: (!changes.rows.is_empty()).then_some(changes),
            refused: (is_staff && form.is_none()).then_some(EDITORS),
            form,
            heading,
            number,
            json: at.link(&format!("/api/ticket/{number}")),
        }
    }
}

fn facts(at: &Forwarded, scope: &Scope, ticket: &Ticket, beside: &Beside<'_>) -> Vec<Fact> {
    let (fields, now) = (&ticket.fields, beside.now);
    let out = TicketOut::new(ticket, beside.statuses);
    let is_staff = scope.companies().is_none();
    let mut facts = Vec::new();
    let mut add = |label, value: Option<String>, href: Option<String>| {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            facts.push(Fact {
                label,
                value,
                href,
                title: None,
            });
        }
    };
    let account = out.company_id.as_deref().map(segment);
    let company = account.map(|number| at.link(&format!("/companies/{number}")));
    add("Company", ticket.company_name.clone(), company);
    // A contact's page goes by a row id, which a ticket does not have: the list finds the person.
    let address = out.requester_email.as_deref().map(|address| {
        let query: String = url::form_urlencoded::byte_serialize(address.as_bytes()).collect();
        at.link(&format!("/contacts/?email={query}"))
    });
    let (name, email) = (out.requester_name, out.requester_email);
    match name {
        Some(name) => {
            add("Requester", Some(name), address);
            add("Requester e-mail", email, None);
        }
        None => add("Requester", email, address),
    }
    if is_staff {
        let responder = fields.responder_id.map(|id| {
            let name = beside.agents.get(&id).cloned();
            name.unwrap_or_else(|| format!("Agent {id}"))
        });
        let responder = responder.unwrap_or_else(|| "nobody".to_owned());
        add("Responder", Some(responder), None);
    }
    add("Type", fields.ticket_type.clone(), None);
    let categories = [&fields.category, &fields.sub_category];
    let categories: Vec<&str> = categories
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    add("Category", Some(categories.join(" / ")), None);
    if is_staff {
        let worked = ticket.minutes.map(duration);
        add("Time worked", worked, None);
        add("Tags", Some(fields.tags.0.join(", ")), None);
    }
    let status = fields.status_id.map(|id| beside.statuses.of(id));
    let is_open = status.is_none_or(|status| !status.is_closed());
    let times = [
        ("Created", out.created_at, false),
        ("Updated", Some(out.last_updated_at), false),
        ("First answer due", fields.fr_due_by, true),
        ("Due", fields.due_by, true),
        ("Resolved", fields.resolved_at, false),
        ("Closed", fields.closed_at, false),
    ];
    for (label, time, is_due) in times {
        let Some(time) = time else { continue };
        let is_answered = label.starts_with("First") && fields.first_responded_at.is_some();
        let value = if is_due {
            due_words(time, now, is_open && !is_answered)
        } else {
            age(time, now)
        };
        facts.push(Fact {
            label,
            value,
            href: None,
            title: Some(moment(time)),
        });
    }
    facts
}

/// Fields that have changed since the person last looked, and how many messages are new, in a sentence.
fn changed(scope: &Scope, said: &[Conversation], beside: &Beside<'_>) -> Option<String> {
    let seen = beside.seen.as_ref()?;
    let names = seen.fields.keys();
    // When it changed is in what has changed.
    let names = names.filter(|name| *name != "last_updated_at");
    let shown = names.filter_map(|name| visible(LISTING.fields, scope, name));
    // A status is named by its word.
    let mut labels: Vec<String> = shown
        .map(|field| label(field.name.trim_end_matches("_id")))
        .collect();
    let is_new = |item: &&Conversation| item.created_at.is_some_and(|at| at > seen.at);
    let new = said.iter().filter(is_new).count();
    if new > 0 {
        labels.push(count_of(new, "new message"));
    }
    let labels = labels.iter().map(String::as_str);
    changed_since(labels, seen.at, beside.now)
}

/// Minutes in words.
fn duration(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn head(label: &str) -> Head {
    Head {
        label: label.to_owned(),
        href: None,
        aria_sort: None,
    }
}

fn entries(beside: &Beside<'_>) -> TableView {
    let rows = beside.entries.iter().take(ENTRIES).map(|entry| {
        let agent = entry.agent_id.map(|id| {
            let name = beside.agents.get(&id).cloned();
            name.unwrap_or_else(|| format!("Agent {id}"))
        });
        let time = match (entry.running, entry.minutes) {
            (Some(true), _) => "running".to_owned(),
            (_, Some(minutes)) => duration(minutes),
            (_, None) => "unknown".to_owned(),
        };
        let billed = match entry.billable {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        let day = entry.executed_at.or(entry.started_at).or(entry.created_at);
        let day = day.map(|day| day.format("%Y-%m-%d").to_string());
        let note: String = entry
            .note
            .iter()
            .flat_map(|note| note.chars())
            .take(500)
            .collect();
        vec![
            cell(day.unwrap_or_default()),
            cell(agent.unwrap_or_default()),
            cell(time),
            cell(billed),
            cell(note),
        ]
    });
    let left = beside.entries.len().saturating_sub(ENTRIES);
    TableView {
        caption: match left {
            0 => "Time entries".to_owned(),
            left => format!("Time entries, the first {ENTRIES}; {left} more are in the API"),
        },
        heads: ["Day", "Agent", "Time", "Billed", "Note"].map(head).into(),
        rows: rows.collect(),
        empty: "No time was entered on this ticket.".to_owned(),
    }
}

/// Changes of the status on their way to the PSA. A note shows its own way.
fn changes(beside: &Beside<'_>) -> TableView {
    let changes = beside.outbox.iter();
    let changes = changes.filter(|entry| entry.kind == OutboxKind::Status);
    let rows = changes.take(10).map(|entry| {
        let status = entry.status_id.map(|id| beside.statuses.of(id).label);
        let age = Cell {
            title: Some(moment(entry.created_at)),
            ..cell(age(entry.created_at, beside.now))
        };
        let state = cell(messages::state(entry));
        vec![cell(status.unwrap_or_default()), age, state]
    });
    TableView {
        caption: "Changes of the status for the PSA".to_owned(),
        heads: ["Status", "Changed", "State"].map(head).into(),
        rows: rows.collect(),
        empty: String::new(),
    }
}
