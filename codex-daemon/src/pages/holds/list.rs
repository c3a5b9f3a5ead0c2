//! The list of held deletions.

use chrono::{DateTime, Utc};
use codex_core::holds::{Hold, query::LISTING};

use super::{HOLDS, badge, path_of};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        fields::{age, moment, source},
        parts::{self, cell, kind_words, name},
        plain_list::PlainList,
        table::Cell,
    },
};

/// What pages say of it.
pub(super) const LIST: PlainList = PlainList {
    path: HOLDS,
    title: "Held deletions",
    about: "Too many records of a collection were missing at once. They stay until an administrator decides.",
    noun: "held deletion",
    listing: &LISTING,
    order: "-held_at",
    at_first: None,
    heads: &[
        ("Deletion", "missing"),
        ("State", "state"),
        ("Source", "source"),
        ("Collection", "collection"),
        ("Held", "held_at"),
        ("Decide until", "expires_at"),
    ],
    empty: "No deletion waits for a decision, and none was held.",
};

/// Its rows.
pub(super) fn rows(at: &Forwarded, holds: &[Hold], now: DateTime<Utc>) -> Vec<Vec<Cell>> {
    holds.iter().map(|hold| row(at, hold, now)).collect()
}

fn row(at: &Forwarded, hold: &Hold, now: DateTime<Utc>) -> Vec<Cell> {
    let text = format!(
        "{} of {} {} records",
        hold.missing,
        hold.total,
        kind_words(hold.kind.name())
    );
    vec![
        name(text, at.link(&path_of(&hold.id))),
        parts::badge(hold.status.name(), badge(hold.status)),
        cell(source(&hold.source)),
        cell(hold.scope.clone()),
        cell(age(hold.held_at, now)),
        cell(moment(hold.expires_at)),
    ]
}
