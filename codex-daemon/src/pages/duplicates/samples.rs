//! Duplicate candidates that templates are tested with, as those see them who decide.

use std::collections::HashMap;

use askama::Template as _;
use codex_core::{
    RecordKind, Scope,
    assets::AssetFields,
    duplicates::{
        DuplicateState, Fact,
        compare::Comparison,
        wire::{DuplicateOut, DuplicateRecord},
    },
    jobs::record_issues::RecordIssue,
    list::{Cursor, Page},
};
use serde_json::{Map, Value, json};

use super::{
    DuplicateParts, DuplicateView,
    list::{LIST, rows},
};
use crate::pages::{
    parts::samples::{TOKEN, at, now, scopes},
    plain_list::samples::{asked, facets},
    record_issues::RecordIssueView,
    tests::HOSTILE,
};

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (role, scope) in scopes() {
        if scope.require_technician("").is_err() {
            continue;
        }
        for (kind, text) in [("usual", "PC-1"), ("hostile", HOSTILE)] {
            for state in DuplicateState::ALL {
                let one = duplicate(text, state);
                let name = format!("duplicates/show/{kind}/{}/{role}", state.name());
                pages.push((name, show(&scope, &one, Some(compared(text)))));
            }
            let page = Page {
                items: vec![duplicate(text, DuplicateState::Open)],
                next: Some(Cursor::new("a", 1)),
                total: None,
            };
            pages.push((
                format!("duplicates/list/{kind}/{role}"),
                list(&scope, &page),
            ));
        }
        let none = list(&scope, &Page::default());
        pages.push((format!("duplicates/list/empty/{role}"), none));
        let bare = show(&scope, &duplicate("", DuplicateState::Open), None);
        pages.push((format!("duplicates/show/empty/{role}"), bare));
    }
    pages
}

fn duplicate(text: &str, state: DuplicateState) -> DuplicateOut {
    let record = |id, is_live| DuplicateRecord {
        company_account_numbers: vec![text.to_owned()],
        id,
        is_live,
        name: Some(text.to_owned()),
    };
    let is_open = state == DuplicateState::Open;
    DuplicateOut {
        decided_at: (!is_open).then(now),
        decided_by: (!is_open).then(|| text.to_owned()),
        evidence: vec![
            Fact {
                fact: "serial_number".to_owned(),
                points: 50,
                value: Some(text.to_owned()),
            },
            Fact {
                fact: text.to_owned(),
                points: -20,
                value: None,
            },
        ],
        first_seen: now(),
        id: 3,
        kept: (state == DuplicateState::Merged).then_some(1),
        kind: RecordKind::Asset,
        record_a: record(1, true),
        record_b: record(2, is_open),
        score: 30,
        state,
    }
}

fn compared(text: &str) -> Comparison {
    let fields = |hostname: &str| -> Map<String, Value> {
        let fields = json!({"hostname": hostname, "serial_number": "SN1", "company_id": 77_001});
        fields.as_object().cloned().unwrap_or_default()
    };
    Comparison {
        fields: AssetFields::FIELDS,
        older: fields(text),
        newer: fields("PC-2"),
        belongings: vec![("people", [1, 2]), ("tags", [0, 0])],
    }
}

fn show(scope: &Scope, one: &DuplicateOut, comparison: Option<Comparison>) -> String {
    let text = one.record_a.name.clone().unwrap_or_default();
    let issue = RecordIssue {
        job_id: "j-1".to_owned(),
        sync: text.clone(),
        at: now(),
        issue: text.clone(),
    };
    let parts = DuplicateParts {
        comparison,
        names: HashMap::new(),
        issues: vec![RecordIssueView::new(&at(), &issue, now())],
        keep: Some(2),
        now: now(),
        token: TOKEN.to_owned(),
        notice: None,
        problem: Some(text),
    };
    DuplicateView::new(&at(), scope, one, parts)
        .render()
        .unwrap()
}

fn list(scope: &Scope, page: &Page<DuplicateOut>) -> String {
    let asked = asked(&LIST, "kind=asset");
    let rows = rows(&at(), &page.items, now());
    let view = LIST.view(&at(), scope, &asked, page, rows, facets(&LIST));
    view.render().unwrap()
}

#[test]
fn records_are_compared_field_by_field() {
    let scope = &scopes()[1].1;
    let html = show(
        scope,
        &duplicate("PC-1", DuplicateState::Open),
        Some(compared("PC-1")),
    );
    let (host, serial) = (
        html.find("<th scope=\"row\">Hostname").unwrap(),
        html.find("<th scope=\"row\">Serial number").unwrap(),
    );
    assert!(host < serial, "fields that differ come first");
    // Row ids of companies are ours.
    assert!(!html.contains("77001"), "{html}");
    assert!(
        html.contains("People") && !html.contains("<th scope=\"row\">Tags<"),
        "{html}"
    );
    assert!(html.contains("value=\"2\" checked"), "{html}");
    let merged = show(
        scope,
        &duplicate("PC-1", DuplicateState::Merged),
        Some(compared("PC-1")),
    );
    assert!(
        !merged.contains("method=\"post\"") && merged.contains("Merged by"),
        "{merged}"
    );
}
