//! A duplicate candidate: the two records side by side, and what to do with them.

use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    RecordKind, Scope,
    duplicates::{
        DuplicateState, Fact,
        compare::Comparison,
        wire::{DuplicateOut, DuplicateRecord},
    },
};

use super::{DUPLICATES, KEEP, badge, list::called, path_of};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        csrf,
        fields::{capitalized, label, text},
        parts::{LinkView, MomentView, actor, record_by_id, shell},
        record_issues::RecordIssueView,
        shell::Shell,
    },
};

/// What the page has besides the candidate.
#[derive(Debug)]
pub(super) struct DuplicateParts {
    /// The fields of both; `None` for a kind that is not compared.
    pub comparison: Option<Comparison>,
    /// Names of people.
    pub names: HashMap<String, String>,
    /// What syncs could not do with one of the two.
    pub issues: Vec<RecordIssueView>,
    /// The record that somebody just wanted to keep.
    pub keep: Option<i64>,
    pub now: DateTime<Utc>,
    pub token: String,
    pub notice: Option<&'static str>,
    /// Why what somebody just wanted was refused.
    pub problem: Option<String>,
}

/// One of the two records.
#[derive(Debug)]
struct SideView {
    id: i64,
    /// Which of the two it is.
    place: &'static str,
    link: LinkView,
    state: Option<&'static str>,
    companies: Vec<LinkView>,
    is_kept: bool,
    name: String,
}

/// A field of both.
#[derive(Debug)]
struct RowView {
    label: String,
    older: String,
    newer: String,
    is_different: bool,
}

/// Where a decision is sent.
#[derive(Debug)]
struct DecideView {
    merge: String,
    reject: String,
    csrf: String,
}

/// A duplicate candidate as a page.
#[derive(Debug, Template)]
#[template(path = "duplicates/show.html")]
pub(super) struct DuplicateView {
    shell: Shell,
    title: String,
    status: &'static str,
    badge: &'static str,
    score: i64,
    evidence: Vec<String>,
    found: MomentView,
    decided: Option<String>,
    problem: Option<String>,
    issues: Vec<RecordIssueView>,
    sides: Vec<SideView>,
    fields: Vec<RowView>,
    belongings: Vec<RowView>,
    decide: Option<DecideView>,
    keep_field: &'static str,
    csrf_field: &'static str,
}

impl DuplicateView {
    pub fn new(at: &Forwarded, scope: &Scope, one: &DuplicateOut, parts: DuplicateParts) -> Self {
        let (a, b) = (&one.record_a, &one.record_b);
        let title = format!("{} and {}", called(one.kind, a), called(one.kind, b));
        let kept = one.kept.or(parts.keep).unwrap_or(a.id);
        let side = |place, record| side(at, one.kind, place, record, kept);
        let by = one.decided_by.as_deref().zip(one.decided_at);
        let decided = by.map(|(by, when)| {
            let by = actor(by, &parts.names);
            let when = MomentView::past(when, parts.now).words;
            format!("{} by {by}, {when}", capitalized(one.state.name()))
        });
        let is_open = one.state == DuplicateState::Open;
        let path = path_of(one.id);
        let comparison = parts.comparison.as_ref();
        Self {
            shell: shell(at, scope, title.clone())
                .under("Duplicate candidates", at.link(DUPLICATES))
                .saying(parts.notice),
            title,
            status: one.state.name(),
            badge: badge(one.state),
            score: one.score,
            evidence: one.evidence.iter().map(in_words).collect(),
            found: MomentView::past(one.first_seen, parts.now),
            decided,
            problem: parts.problem,
            issues: parts.issues,
            sides: vec![side("older", a), side("newer", b)],
            fields: comparison.map_or_else(Vec::new, |both| fields(scope, both)),
            belongings: comparison.map_or_else(Vec::new, belongings),
            decide: is_open.then(|| DecideView {
                merge: at.link(&format!("{path}/merge")),
                reject: at.link(&format!("{path}/reject")),
                csrf: parts.token,
            }),
            keep_field: KEEP,
            csrf_field: csrf::FIELD,
        }
    }
}

fn side(
    at: &Forwarded,
    kind: RecordKind,
    place: &'static str,
    record: &DuplicateRecord,
    kept: i64,
) -> SideView {
    let name = called(kind, record);
    let link = if record.is_live {
        record_by_id(at, kind.name(), record.id, Some(&name))
    } else {
        LinkView::plain(name.clone())
    };
    let numbers = record.company_account_numbers.iter();
    SideView {
        id: record.id,
        place,
        link,
        state: (!record.is_live).then_some("deleted"),
        companies: numbers
            .map(|number| {
                let path = format!("/companies/{}", codex_core::address::segment(number));
                LinkView::to(at, number, &path)
            })
            .collect(),
        is_kept: record.id == kept,
        name,
    }
}

/// A fact with its points.
fn in_words(fact: &Fact) -> String {
    let what = label(&fact.fact);
    let points = fact.points;
    match &fact.value {
        Some(value) => format!("{what}: {value} ({points:+} points)"),
        None => format!("{what} ({points:+} points)"),
    }
}

/// The fields that one of the two has, those that differ first.
fn fields(scope: &Scope, both: &Comparison) -> Vec<RowView> {
    let shown = both
        .fields
        .iter()
        .filter(|field| field.is_visible_to(scope));
    let rows = shown.filter_map(|field| {
        let value = |side: &serde_json::Map<String, serde_json::Value>| {
            side.get(field.name).and_then(text).unwrap_or_default()
        };
        let (older, newer) = (value(&both.older), value(&both.newer));
        (!older.is_empty() || !newer.is_empty()).then(|| RowView {
            label: label(field.name),
            is_different: older != newer,
            older,
            newer,
        })
    });
    let mut rows: Vec<RowView> = rows.collect();
    rows.sort_by_key(|row| !row.is_different);
    rows
}

/// What belongs to each.
fn belongings(both: &Comparison) -> Vec<RowView> {
    let all = both.belongings.iter();
    let some = all.filter(|(_, counts)| counts.iter().any(|count| *count > 0));
    let rows = some.map(|(what, [older, newer])| RowView {
        label: capitalized(what),
        older: older.to_string(),
        newer: newer.to_string(),
        is_different: older != newer,
    });
    rows.collect()
}
