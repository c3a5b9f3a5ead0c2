//! Changes that templates are tested with, as each kind of staff sees them.

use std::collections::HashMap;

use askama::Template as _;
use codex_core::{
    Scope,
    json_columns::List,
    list::{Cursor, Page},
    outbox::{OutboxEntry, OutboxKind, OutboxState},
    tickets::status::Statuses,
};

use super::{LIST, OutboxParts, view};
use crate::pages::{
    parts::samples::{TOKEN, at, now, scopes},
    plain_list::samples::{asked, facets},
    tests::HOSTILE,
};

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (role, scope) in scopes() {
        for (kind, text) in [("usual", "PC is slow"), ("hostile", HOSTILE)] {
            let html = outbox(&scope, entries(text), true);
            pages.push((format!("outbox/list/{kind}/{role}"), html));
        }
        pages.push((
            format!("outbox/list/empty/{role}"),
            outbox(&scope, Vec::new(), false),
        ));
    }
    pages
}

/// One in each state, and a note.
fn entries(text: &str) -> Vec<OutboxEntry> {
    let entry = |id, kind, state| OutboxEntry {
        id,
        number: 4711,
        kind,
        status_id: (kind == OutboxKind::Status).then_some(4),
        base_status_ids: List(vec![2]),
        note_id: None,
        note: (kind == OutboxKind::Note).then(|| text.repeat(40)),
        author: text.to_owned(),
        created_at: now(),
        state,
        attempts: 2,
        next_at: now(),
        last_error: Some(text.to_owned()),
        external_id: None,
        finished_at: None,
    };
    let statuses = OutboxState::ALL.into_iter().zip(1..);
    let statuses = statuses.map(|(state, id)| entry(id, OutboxKind::Status, state));
    let note = entry(9, OutboxKind::Note, OutboxState::Failed);
    statuses.chain([note]).collect()
}

fn outbox(scope: &Scope, items: Vec<OutboxEntry>, sends: bool) -> String {
    let page = Page {
        items,
        next: Some(Cursor::new("1", 1)),
        total: None,
    };
    let parts = OutboxParts {
        names: HashMap::new(),
        statuses: Statuses::default(),
        sends,
        facets: facets(&LIST),
        now: now(),
        token: TOKEN.to_owned(),
        notice: super::notice(Some("retried")),
        problem: None,
    };
    let asked = asked(&LIST, "number=4711&sort=-created_at");
    view(&at(), scope, &asked, &page, parts).render().unwrap()
}

#[test]
fn changes_have_the_actions_of_their_state() {
    for (role, scope) in scopes() {
        let html = outbox(&scope, entries("x"), true);
        let may = role != "billing";
        // Failed, off, superseded, cancelled, and the note.
        assert_eq!(
            html.matches("/retry\"").count(),
            if may { 5 } else { 0 },
            "{role}"
        );
        assert_eq!(
            html.matches("/cancel\"").count(),
            if may { 2 } else { 0 },
            "{role}"
        );
        assert_eq!(html.contains("Only technicians"), !may, "{role}");
        let off = outbox(&scope, entries("x"), false);
        assert!(
            !off.contains("/retry\"") && off.contains("Nothing is sent"),
            "{role}"
        );
    }
}
