//! The list of duplicate candidates.

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    RecordKind, Scope,
    duplicates::{
        DuplicateState, KINDS,
        wire::{DuplicateOut, DuplicateRecord},
    },
    list::Page,
};

use super::{ALL, DUPLICATES, badge, path_of};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        fields::{age, capitalized},
        parts::{self, PagerView, Params, TabView, cell, kind_words, name, shell, table, tabs},
        shell::Shell,
        table::{Cell, TableView},
    },
};

/// The list of duplicate candidates as a page.
#[derive(Debug, Template)]
#[template(path = "duplicates/list.html")]
pub(super) struct DuplicateListView {
    shell: Shell,
    tabs: Vec<TabView>,
    kinds: Vec<TabView>,
    table: TableView,
    pager: PagerView,
}

impl DuplicateListView {
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        params: &Params,
        page: &Page<DuplicateOut>,
        now: DateTime<Utc>,
    ) -> Self {
        let states = [
            ("", "Open"),
            (DuplicateState::Merged.name(), "Merged"),
            (DuplicateState::Rejected.name(), "Rejected"),
            (ALL, "All"),
        ];
        let labels = KINDS.map(|kind| (kind, format!("{}s", capitalized(kind.name()))));
        let mut kinds = vec![("", "Every kind")];
        kinds.extend(
            labels
                .iter()
                .map(|(kind, label)| (kind.name(), label.as_str())),
        );
        let rows = page.items.iter().map(|one| row(at, one, now)).collect();
        let heads = [
            "Records",
            "Kind",
            "State",
            "Companies",
            "Points",
            "Evidence",
            "Found",
        ];
        let empty = match params.get("state") {
            None | Some("open") => "No pair of records waits for a decision.",
            Some(_) => "No duplicate candidate fits the filter.",
        };
        Self {
            shell: shell(at, scope, "Duplicate candidates"),
            tabs: tabs(at, DUPLICATES, params, "state", &states),
            kinds: tabs(at, DUPLICATES, params, "kind", &kinds),
            table: table(
                "Duplicate candidates, the newest first",
                &heads,
                rows,
                empty,
            ),
            pager: PagerView::new(at, DUPLICATES, params, page.next.as_ref()),
        }
    }
}

/// What a record of a candidate is called.
pub(super) fn called(kind: RecordKind, record: &DuplicateRecord) -> String {
    let name = record
        .name
        .as_deref()
        .filter(|name| !name.trim().is_empty());
    name.map_or_else(
        || format!("{} {}", kind_words(kind.name()), record.id),
        str::to_owned,
    )
}

fn row(at: &Forwarded, one: &DuplicateOut, now: DateTime<Utc>) -> Vec<Cell> {
    let (a, b) = (&one.record_a, &one.record_b);
    let mut companies = a.company_account_numbers.clone();
    companies.extend(b.company_account_numbers.iter().cloned());
    companies.sort_unstable();
    companies.dedup();
    let facts = one.evidence.iter().map(|fact| fact.fact.replace('_', " "));
    let facts: Vec<String> = facts.collect();
    let text = format!("{} and {}", called(one.kind, a), called(one.kind, b));
    vec![
        name(text, at.link(&path_of(one.id))),
        cell(kind_words(one.kind.name())),
        parts::badge(one.state.name(), badge(one.state)),
        cell(companies.join(", ")),
        cell(one.score.to_string()),
        cell(facts.join(", ")),
        cell(age(one.first_seen, now)),
    ]
}
