//! Held deletions that templates are tested with, as each kind of staff sees them.

use std::collections::HashMap;

use askama::Template as _;
use codex_core::{
    HeldRecord, RecordKind, Scope,
    holds::{Hold, HoldStatus},
    json_columns::List,
    list::{Cursor, Page},
};

use super::{
    HoldParts, HoldView,
    list::{LIST, rows},
};
use crate::pages::{
    parts::samples::{TOKEN, at, now, record, scopes},
    plain_list::samples::{asked, facets},
    tests::HOSTILE,
};

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (role, scope) in scopes() {
        for (kind, text) in [("usual", "departments"), ("hostile", HOSTILE)] {
            for status in HoldStatus::ALL {
                let hold = hold(text, status);
                let name = format!("holds/show/{kind}/{}/{role}", status.name());
                pages.push((name, show(&scope, &hold, text)));
            }
            let page = Page {
                items: vec![hold(text, HoldStatus::Held)],
                next: Some(Cursor::new("a", 1)),
                total: None,
            };
            pages.push((format!("holds/list/{kind}/{role}"), list(&scope, &page)));
        }
        pages.push((
            format!("holds/list/empty/{role}"),
            list(&scope, &Page::default()),
        ));
    }
    pages
}

fn hold(text: &str, status: HoldStatus) -> Hold {
    Hold {
        id: "h-1".to_owned(),
        source: text.to_owned(),
        kind: RecordKind::Contact,
        scope: text.to_owned(),
        status,
        missing: 2,
        total: 12,
        external_ids: List(vec!["7".to_owned(), text.to_owned()]),
        held_at: now(),
        expires_at: now(),
        job_id: "j-1".to_owned(),
        decided_at: (status != HoldStatus::Held).then(now),
        decided_by: (status != HoldStatus::Held).then(|| text.to_owned()),
    }
}

fn show(scope: &Scope, hold: &Hold, text: &str) -> String {
    let known = HeldRecord {
        external_id: "7".to_owned(),
        record: Some(record("contact", text)),
        missing_since: Some(now()),
    };
    let unknown = HeldRecord {
        external_id: text.to_owned(),
        record: None,
        missing_since: None,
    };
    let parts = HoldParts {
        records: vec![known, unknown],
        from: 0,
        job: None,
        names: HashMap::new(),
        now: now(),
        token: TOKEN.to_owned(),
        notice: None,
        problem: Some(text.to_owned()),
    };
    HoldView::new(&at(), scope, hold, parts).render().unwrap()
}

fn list(scope: &Scope, page: &Page<Hold>) -> String {
    let asked = asked(&LIST, "state=held&sort=-held_at");
    let rows = rows(&at(), &page.items, now());
    let view = LIST.view(&at(), scope, &asked, page, rows, facets(&LIST));
    view.render().unwrap()
}

#[test]
fn only_administrators_see_the_decision() {
    for (role, scope) in scopes() {
        for status in HoldStatus::ALL {
            let html = show(&scope, &hold("departments", status), "Ann");
            let is_open = status == HoldStatus::Held;
            let may = role == "admin";
            assert_eq!(
                html.contains("h-1/approve"),
                is_open && may,
                "{role} {status:?}"
            );
            assert_eq!(
                html.contains("Only administrators"),
                is_open && !may,
                "{role} {status:?}"
            );
            assert!(
                html.contains("href=\"/codex/contacts/100001\""),
                "{role}: {html}"
            );
        }
    }
}
