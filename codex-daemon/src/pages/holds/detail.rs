//! A held deletion: which records, why they are missing, and what to do.

use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    HeldRecord, Scope,
    holds::{Hold, HoldStatus, wire::HoldOut},
    jobs::Job,
    plural::{agree, count_of},
};

use super::{HOLDS, RECORDS, badge, path_of};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        csrf,
        fields::{capitalized, source},
        parts::{self, LinkView, MomentView, actor, kind_words, shell},
        shell::Shell,
        sync::job_path,
    },
};

/// What the page has besides the held deletion.
#[derive(Debug)]
pub(super) struct HoldParts {
    /// Some of its records, and how many come before them.
    pub records: Vec<HeldRecord>,
    pub from: usize,
    /// The job that found it last; `None` when that is forgotten.
    pub job: Option<Job>,
    /// Names of people.
    pub names: HashMap<String, String>,
    pub now: DateTime<Utc>,
    pub token: String,
    pub notice: Option<&'static str>,
    /// Why what somebody just wanted was refused.
    pub problem: Option<String>,
}

/// A missing record.
#[derive(Debug)]
struct RecordView {
    link: LinkView,
    external_id: String,
    state: &'static str,
    since: Option<MomentView>,
}

/// Where a decision is sent.
#[derive(Debug)]
struct DecideView {
    approve: String,
    reject: String,
    csrf: String,
}

/// A held deletion as a page.
#[derive(Debug, Template)]
#[template(path = "holds/show.html")]
pub(super) struct HoldView {
    shell: Shell,
    title: String,
    status: &'static str,
    badge: &'static str,
    reason: String,
    /// What the job says of the list that the records are missing in.
    evidence: Option<String>,
    source: String,
    collection: String,
    held: MomentView,
    expires: MomentView,
    job: LinkView,
    decided: Option<String>,
    problem: Option<String>,
    decide: Option<DecideView>,
    /// Why the caller cannot decide.
    refused: Option<&'static str>,
    csrf_field: &'static str,
    records: Vec<RecordView>,
    shown: String,
    first: Option<String>,
    next: Option<String>,
}

impl HoldView {
    pub fn new(at: &Forwarded, scope: &Scope, hold: &Hold, parts: HoldParts) -> Self {
        let kind = kind_words(hold.kind.name());
        let title = format!(
            "Deletion of {}",
            count_of(hold.missing, &format!("{kind} record"))
        );
        let path = path_of(&hold.id);
        let is_open = hold.status == HoldStatus::Held;
        let may_decide = scope.require_admin(super::DECIDING).is_ok();
        let by = hold.decided_by.as_deref().zip(hold.decided_at);
        let decided = by.map(|(by, when)| {
            let by = actor(by, &parts.names);
            let when = MomentView::past(when, parts.now).words;
            format!("{} by {by}, {when}", capitalized(hold.status.name()))
        });
        let end = parts.from + parts.records.len();
        let total = hold.external_ids.0.len();
        let job_text = "The job that found it last";
        Self {
            shell: shell(at, scope, title.clone())
                .under("Held deletions", at.link(HOLDS))
                .saying(parts.notice),
            title,
            status: hold.status.name(),
            badge: badge(hold.status),
            reason: HoldOut::from(hold).reason,
            evidence: parts.job.as_ref().and_then(|job| evidence(hold, job)),
            source: source(&hold.source),
            collection: hold.scope.clone(),
            held: MomentView::past(hold.held_at, parts.now),
            expires: MomentView::full(hold.expires_at),
            job: match &parts.job {
                Some(job) => LinkView::to(at, job_text, &job_path(&job.id)),
                None => LinkView::plain("The job that found it is forgotten"),
            },
            decided,
            problem: parts.problem,
            decide: (is_open && may_decide).then(|| DecideView {
                approve: at.link(&format!("{path}/approve")),
                reject: at.link(&format!("{path}/reject")),
                csrf: parts.token,
            }),
            refused: (is_open && !may_decide)
                .then_some("Only administrators decide on held deletions."),
            csrf_field: csrf::FIELD,
            shown: shown(parts.from, end, total),
            records: parts
                .records
                .iter()
                .map(|record| record_view(at, record, parts.now))
                .collect(),
            first: (parts.from > 0).then(|| at.link(&path)),
            next: (end < total && !parts.records.is_empty())
                .then(|| at.link(&format!("{path}?from={}", parts.from + RECORDS))),
        }
    }
}

fn shown(from: usize, end: usize, total: usize) -> String {
    if end > from {
        format!("{} to {end} of {}", from + 1, count_of(total, "record"))
    } else {
        count_of(total, "record")
    }
}

/// What the job says of the collection.
fn evidence(hold: &Hold, job: &Job) -> Option<String> {
    let result = job.report.scopes.get(&hold.scope)?;
    let items = count_of(result.seen, "item");
    let arrived = agree(result.seen, "has", "have");
    Some(if result.certified {
        format!(
            "The list was complete: every page and the end of it arrived, {items} {arrived} been read."
        )
    } else {
        format!("The list was not complete: {items} {arrived} been read.")
    })
}

fn record_view(at: &Forwarded, held: &HeldRecord, now: DateTime<Utc>) -> RecordView {
    let link = match &held.record {
        Some(record) => parts::record(at, record),
        None => LinkView::plain("no longer known"),
    };
    RecordView {
        link,
        external_id: held.external_id.clone(),
        state: match &held.record {
            Some(record) if record.is_live => "live",
            Some(_) => "deleted",
            None => "gone",
        },
        since: held.missing_since.map(|since| MomentView::past(since, now)),
    }
}
