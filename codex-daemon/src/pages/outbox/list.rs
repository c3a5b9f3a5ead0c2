//! The list of changes.

use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    list::Page,
    outbox::{OutboxEntry, OutboxKind, OutboxState},
    plural::count_of,
    tickets::status::Statuses,
};

use super::OUTBOX;
use crate::{
    http::forwarded::Forwarded,
    pages::{
        csrf,
        fields::capitalized,
        parts::{
            LinkView, MomentView, PagerView, Params, TabView, actor, record_by_id, shell, tabs,
        },
        shell::Shell,
    },
};

/// The longest note of a list, in characters.
const LONGEST_NOTE: usize = 200;

/// What the page has besides the changes.
#[derive(Debug)]
pub(super) struct OutboxParts {
    /// Names of people.
    pub names: HashMap<String, String>,
    /// What statuses are called.
    pub statuses: Statuses,
    /// Whether changes are sent at all.
    pub sends: bool,
    pub now: DateTime<Utc>,
    pub token: String,
    pub notice: Option<&'static str>,
    /// Why what somebody just wanted was refused.
    pub problem: Option<String>,
}

/// A change.
#[derive(Debug)]
struct RowView {
    id: i64,
    ticket: LinkView,
    what: String,
    state: &'static str,
    badge: &'static str,
    author: String,
    created: MomentView,
    attempts: String,
    next: Option<MomentView>,
    error: Option<String>,
    retry: Option<String>,
    cancel: Option<String>,
}

/// The outbox as a page.
#[derive(Debug, Template)]
#[template(path = "outbox/list.html")]
pub(super) struct OutboxView {
    shell: Shell,
    tabs: Vec<TabView>,
    rows: Vec<RowView>,
    empty: &'static str,
    /// Whether nothing is sent.
    is_off: bool,
    /// Why the caller cannot change anything.
    refused: Option<&'static str>,
    problem: Option<String>,
    csrf_field: &'static str,
    csrf: String,
    pager: PagerView,
}

impl OutboxView {
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        params: &Params,
        page: &Page<OutboxEntry>,
        parts: OutboxParts,
    ) -> Self {
        let labels = OutboxState::ALL.map(|state| (state.name(), capitalized(state.name())));
        let mut states = vec![("", "All")];
        states.extend(labels.iter().map(|(word, label)| (*word, label.as_str())));
        let may_change = scope.require_technician("sending changes again").is_ok();
        let entries = page.items.iter();
        Self {
            shell: shell(at, scope, "Outbox").saying(parts.notice),
            tabs: tabs(at, OUTBOX, params, "state", &states),
            rows: entries
                .map(|entry| row(at, entry, &parts, may_change))
                .collect(),
            empty: match params.get("state") {
                None => {
                    "No change of a ticket waits to be sent, and none was sent in the last 90 days."
                }
                Some(_) => "No change is in this state.",
            },
            is_off: !parts.sends,
            refused: (!may_change)
                .then_some("Only technicians and administrators send or stop changes."),
            problem: parts.problem,
            csrf_field: csrf::FIELD,
            csrf: parts.token,
            pager: PagerView::new(at, OUTBOX, params, page.next.as_ref()),
        }
    }
}

fn row(at: &Forwarded, entry: &OutboxEntry, parts: &OutboxParts, may_change: bool) -> RowView {
    let ended = matches!(entry.state, OutboxState::Pending | OutboxState::Done);
    let can_retry = may_change && parts.sends && !ended;
    let can_cancel = may_change && matches!(entry.state, OutboxState::Pending | OutboxState::Off);
    let action = |verb: &str| at.link(&format!("{OUTBOX}{}/{verb}", entry.id));
    let is_pending = entry.state == OutboxState::Pending;
    RowView {
        id: entry.id,
        ticket: record_by_id(at, "ticket", entry.number, Some(&entry.number.to_string())),
        what: what(entry, &parts.statuses),
        state: entry.state.name(),
        badge: badge(entry.state),
        author: actor(&entry.author, &parts.names),
        created: MomentView::past(entry.created_at, parts.now),
        attempts: count_of(entry.attempts, "try"),
        next: is_pending.then(|| MomentView::full(entry.next_at)),
        error: entry.last_error.clone(),
        retry: can_retry.then(|| action("retry")),
        cancel: can_cancel.then(|| action("cancel")),
    }
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
