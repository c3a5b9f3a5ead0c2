//! Deleted records that templates are tested with, as each kind of staff sees them.

use std::collections::HashMap;

use askama::Template as _;
use codex_core::{
    RecordKind, Scope,
    list::{Cursor, Page},
    records::DeletedOut,
};

use super::{DeletedParts, LIST, view};
use crate::pages::{
    parts::samples::{TOKEN, at, now, scopes},
    plain_list::samples::asked,
    tests::HOSTILE,
};

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (role, scope) in scopes() {
        for (kind, names) in [
            ("empty", Vec::new()),
            ("usual", vec![Some("PC-1".to_owned()), None]),
            ("hostile", vec![Some(HOSTILE.to_owned())]),
        ] {
            pages.push((format!("deleted/list/{kind}/{role}"), list(&scope, &names)));
        }
    }
    pages
}

fn list(scope: &Scope, names: &[Option<String>]) -> String {
    let record = |name: &Option<String>| DeletedOut {
        deleted_at: now(),
        deleted_by: name.clone(),
        id: 7,
        kind: RecordKind::Asset,
        name: name.clone(),
    };
    let page = Page {
        items: names.iter().map(record).collect(),
        next: Some(Cursor::new("a", 1)),
        total: None,
    };
    let parts = DeletedParts {
        names: HashMap::from([("PC-1".to_owned(), "Ann Lee".to_owned())]),
        kinds: vec!["contact", "asset"],
        kind: "asset",
        now: now(),
        token: TOKEN.to_owned(),
        notice: super::notice(Some("restored")),
        problem: None,
    };
    let asked = asked(&LIST, "kind=asset");
    view(&at(), scope, &asked, &page, parts).render().unwrap()
}

#[test]
fn deleted_records_say_who_and_how_to_restore_them() {
    let html = list(&scopes()[0].1, &[Some("PC-1".to_owned()), None]);
    assert!(
        html.contains("action=\"/codex/deleted/asset/7/restore\""),
        "{html}"
    );
    assert!(
        html.contains("Ann Lee") && html.contains(">asset 7</th>"),
        "{html}"
    );
    assert!(
        html.contains("aria-current=\"page\" href=\"/codex/deleted/?kind=asset\""),
        "{html}"
    );
}
