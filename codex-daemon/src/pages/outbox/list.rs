//! The list of changes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    list::{FacetOut, Page},
    outbox::{OutboxEntry, OutboxKind, OutboxState, query::LISTING},
    plural::count_of,
    tickets::status::Statuses,
};

use super::OUTBOX;
use crate::{
    http::forwarded::Forwarded,
    pages::{
        address::ListAddress,
        csrf,
        fields::{age, moment},
        parts::{self, actor, cell, record_by_id},
        plain_list::{PlainList, PlainListView},
        shell::ActionView,
        table::{Cell, RowAction},
    },
};

/// The longest note of a list, in characters.
const LONGEST_NOTE: usize = 200;
const OFF: &str = "Nothing is sent: writing to the PSA is off, or there is no PSA. An administrator sets it in the \
    configuration ([upstream] write).";
/// Why the caller cannot change anything.
const EDITORS: &str = "Only technicians and administrators send or stop changes.";

/// What pages say of it.
pub(super) const LIST: PlainList = PlainList {
    path: OUTBOX,
    title: "Outbox",
    about: "Changes of tickets on their way to the PSA.",
    noun: "change",
    listing: &LISTING,
    order: "-id",
    at_first: None,
    heads: &[
        ("Change", "id"),
        ("Ticket", "number"),
        ("What", "kind"),
        ("State", "state"),
        ("Tries", "attempts"),
        ("Trouble", ""),
        ("By", ""),
        ("Made", "created_at"),
        ("Actions", ""),
    ],
    empty: "No change of a ticket waits to be sent, and none was sent in the last 90 days.",
};

/// What the page has besides the changes.
#[derive(Debug)]
pub(super) struct OutboxParts {
    /// Names of people.
    pub names: HashMap<String, String>,
    /// What statuses are called.
    pub statuses: Statuses,
    /// Whether changes are sent at all.
    pub sends: bool,
    pub facets: Vec<FacetOut>,
    pub now: DateTime<Utc>,
    pub token: String,
    pub notice: Option<&'static str>,
    /// Why what somebody just wanted was refused.
    pub problem: Option<String>,
}

/// The outbox as a page.
pub(super) fn view(
    at: &Forwarded,
    scope: &Scope,
    asked: &ListAddress,
    page: &Page<OutboxEntry>,
    mut parts: OutboxParts,
) -> PlainListView {
    let may_change = scope.require_technician("sending changes again").is_ok();
    let facets = std::mem::take(&mut parts.facets);
    let entries = page.items.iter();
    let rows = entries.map(|entry| row(at, entry, &parts, may_change));
    let mut view = LIST.view(at, scope, asked, page, rows.collect(), facets);
    view.shell = view.shell.saying(parts.notice);
    let notes = [(!parts.sends, OFF), (!may_change, EDITORS)];
    let notes = notes.into_iter().filter(|(is_said, _)| *is_said);
    view.notes = notes.map(|(_, note)| note).collect();
    view.problem = parts.problem;
    view
}

fn row(at: &Forwarded, entry: &OutboxEntry, parts: &OutboxParts, may_change: bool) -> Vec<Cell> {
    let ticket = record_by_id(at, "ticket", entry.number, Some(&entry.number.to_string()));
    let mut tries = count_of(entry.attempts, "try");
    if entry.state == OutboxState::Pending {
        tries = format!("{tries}, next {}", moment(entry.next_at));
    }
    vec![
        cell(entry.id.to_string()),
        Cell {
            href: ticket.href,
            ..cell(ticket.text)
        },
        cell(what(entry, &parts.statuses)),
        parts::badge(entry.state.name(), badge(entry.state)),
        cell(tries),
        Cell {
            title: entry.last_error.clone(),
            ..cell(entry.last_error.clone().unwrap_or_default())
        },
        cell(actor(&entry.author, &parts.names)),
        Cell {
            title: Some(moment(entry.created_at)),
            ..cell(age(entry.created_at, parts.now))
        },
        Cell {
            actions: actions(at, entry, parts, may_change),
            ..Cell::default()
        },
    ]
}

/// What can be done with a change.
fn actions(
    at: &Forwarded,
    entry: &OutboxEntry,
    parts: &OutboxParts,
    may_change: bool,
) -> Vec<RowAction> {
    let ended = matches!(entry.state, OutboxState::Pending | OutboxState::Done);
    let can_retry = may_change && parts.sends && !ended;
    let can_cancel = may_change && matches!(entry.state, OutboxState::Pending | OutboxState::Off);
    let action = |label: &str, verb: &str, class: &'static str| RowAction {
        form: ActionView {
            label: label.to_owned(),
            action: at.link(&format!("{OUTBOX}{}/{verb}", entry.id)),
            csrf_field: csrf::FIELD,
            csrf: parts.token.clone(),
        },
        about: format!("{label}: change {}", entry.id),
        class,
    };
    let retry = can_retry.then(|| action("Send again", "retry", "btn--secondary"));
    let cancel = can_cancel.then(|| action("Stop", "cancel", "btn--danger"));
    retry.into_iter().chain(cancel).collect()
}

/// What is written, in words.
fn what(entry: &OutboxEntry, statuses: &Statuses) -> String {
    match entry.kind {
        OutboxKind::Status => {
            let status = entry.status_id.map(|id| statuses.of(id).label);
            format!("status {}", status.unwrap_or_default())
        }
        OutboxKind::Note => {
            let note = entry.note.as_deref().unwrap_or_default();
            let short: String = note.chars().take(LONGEST_NOTE).collect();
            let more = if short.len() < note.len() {
                " \u{2026}"
            } else {
                ""
            };
            format!("note: {short}{more}")
        }
    }
}

fn badge(state: OutboxState) -> &'static str {
    match state {
        OutboxState::Pending | OutboxState::Superseded => "badge--info",
        OutboxState::Done => "badge--success",
        OutboxState::Failed => "badge--danger",
        OutboxState::Off | OutboxState::Cancelled => "badge--warning",
    }
}
