//! The list of duplicate candidates.

use chrono::{DateTime, Utc};
use codex_core::{
    RecordKind,
    duplicates::{
        query::LISTING,
        wire::{DuplicateOut, DuplicateRecord},
    },
};

use super::{DUPLICATES, badge, path_of};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        fields::age,
        parts::{self, cell, kind_words, name},
        plain_list::PlainList,
        record::AtFirst,
        table::Cell,
    },
};

/// What pages say of it.
pub(super) const LIST: PlainList = PlainList {
    path: DUPLICATES,
    title: "Duplicate candidates",
    about: "Two records that may be one. Merge them, or keep them apart for ever.",
    noun: "duplicate candidate",
    listing: &LISTING,
    order: "-id",
    at_first: Some(AtFirst {
        filter: Some(("state", "open")),
        until: &["state"],
        noun: "open duplicate candidate",
        narrowed: "Without decided candidates",
        whole: "With decided candidates",
    }),
    heads: &[
        ("Records", ""),
        ("Kind", "kind"),
        ("State", "state"),
        ("Companies", ""),
        ("Points", "score"),
        ("Evidence", ""),
        ("Found", "first_seen"),
    ],
    empty: "No pair of records waits for a decision.",
};

/// Its rows.
pub(super) fn rows(at: &Forwarded, found: &[DuplicateOut], now: DateTime<Utc>) -> Vec<Vec<Cell>> {
    found.iter().map(|one| row(at, one, now)).collect()
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
