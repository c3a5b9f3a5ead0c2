//! A job: how far it is, what it did, and what it could not do.

use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    RecordName, Scope,
    jobs::{Counts, Job, JobStatus},
    sync::VendorLimits,
};

use super::{JOBS, SYNCS, badge, duration, job_path, title};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        csrf,
        fields::{capitalized, shortened},
        parts::{self, LinkView, MomentView, actor, cell, shell, table},
        shell::Shell,
        table::TableView,
    },
};

/// The longest issue and the longest log of a page, in characters. The whole texts are in the JSON.
const LONGEST_ISSUE: usize = 400;
const LONGEST_LOG: usize = 8_000;

/// What the page has besides the job.
#[derive(Debug)]
pub(super) struct JobParts {
    /// The records of each issue.
    pub records: Vec<Vec<RecordName>>,
    /// Names of people.
    pub names: HashMap<String, String>,
    /// What the vendor's account allows; `None` when the job has ended.
    pub limits: Option<VendorLimits>,
    pub now: DateTime<Utc>,
    pub token: String,
    pub notice: Option<&'static str>,
    /// Why what somebody just wanted was refused.
    pub problem: Option<String>,
}

/// An issue with the records that it is about.
#[derive(Debug)]
struct IssueView {
    text: String,
    records: Vec<LinkView>,
}

/// What a job is doing.
#[derive(Debug)]
struct ProgressView {
    stage: String,
    percent: Option<u8>,
}

/// A job as a page.
#[derive(Debug, Template)]
#[template(path = "sync/job.html")]
pub(super) struct JobView {
    shell: Shell,
    title: String,
    status: &'static str,
    badge: &'static str,
    problem: Option<String>,
    /// Where the same page is, for who wants to see how it goes on; `None` when the job has ended.
    refresh: Option<String>,
    /// Where its events are, until it has ended.
    events: Option<String>,
    /// Where the job is cancelled.
    cancel: Option<String>,
    csrf_field: &'static str,
    csrf: String,
    progress: Option<ProgressView>,
    started: MomentView,
    completed: Option<MomentView>,
    by: String,
    duration: String,
    source: String,
    calls: u64,
    budget: Option<String>,
    /// Until when the vendor wants no calls.
    closed: Option<MomentView>,
    error: Option<String>,
    /// What it did by kind of record.
    counts: TableView,
    collections: TableView,
    issues: Vec<IssueView>,
    /// How many issues are not listed.
    further: Option<String>,
    notes: Vec<String>,
    output: Option<String>,
    json: String,
}

impl JobView {
    pub fn new(at: &Forwarded, scope: &Scope, job: &Job, parts: JobParts) -> Self {
        let title = title(job);
        let path = job_path(&job.id);
        let may_cancel = scope.require_technician("cancelling a sync").is_ok();
        let is_over = job.status.is_over();
        let by = job.started_by.as_deref().map(|by| actor(by, &parts.names));
        let issues = job.report.issues.iter().enumerate();
        let issues: Vec<IssueView> = issues
            .map(|(place, text)| IssueView {
                text: shortened(text, LONGEST_ISSUE),
                records: parts.records.get(place).map_or_else(Vec::new, |records| {
                    let records = records.iter().map(|record| parts::record(at, record));
                    records.filter(|link| link.href.is_some()).collect()
                }),
            })
            .collect();
        let output = job.output.as_deref().filter(|text| !text.is_empty());
        let listed = u64::try_from(issues.len()).unwrap_or(u64::MAX);
        let further = job.report.issue_count.saturating_sub(listed);
        Self {
            shell: shell(at, scope, title.clone())
                .under("Sync", at.link(SYNCS))
                .under("Jobs", at.link(JOBS))
                .saying(parts.notice),
            title,
            status: job.status.name(),
            badge: badge(job.status),
            problem: parts.problem,
            refresh: (!is_over).then(|| at.link(&path)),
            events: (!is_over).then(|| at.link(&format!("/sync/jobs/{}/events", job.id))),
            cancel: (!is_over && may_cancel).then(|| at.link(&path)),
            csrf_field: csrf::FIELD,
            csrf: parts.token,
            progress: (!is_over).then(|| progress(job)),
            started: MomentView::past(job.started_at, parts.now),
            completed: job.completed_at.map(|at| MomentView::past(at, parts.now)),
            by: by.unwrap_or_else(|| "unknown".to_owned()),
            duration: duration(job, parts.now),
            source: job.provider.clone().unwrap_or_default(),
            calls: job.report.calls,
            budget: parts.limits.as_ref().and_then(budget),
            closed: parts
                .limits
                .and_then(|limits| limits.closed_until)
                .map(MomentView::full),
            error: job.error.clone(),
            counts: counts(job),
            collections: collections(job),
            issues,
            further: (further > 0).then(|| format!("{further} more are counted and not listed.")),
            notes: job.report.notes.clone(),
            output: output.map(|text| shortened(text, LONGEST_LOG)),
            json: at.link(path.trim_end_matches('/')),
        }
    }
}

/// How many calls are left in this minute, as far as the vendor says.
fn budget(limits: &VendorLimits) -> Option<String> {
    let limit = limits.per_minute?;
    let left = limit.saturating_sub(limits.used);
    Some(format!("{left} of {limit} in this minute"))
}

fn progress(job: &Job) -> ProgressView {
    let stage = match job.status {
        JobStatus::Queued => "waits for another run of the same source to end".to_owned(),
        _ if job.report.stage.is_empty() => "at work".to_owned(),
        _ => job.report.stage.clone(),
    };
    ProgressView {
        stage,
        percent: job.report.percent.map(|percent| percent.min(100)),
    }
}

fn counts(job: &Job) -> TableView {
    let words = Counts::default().named().map(|(word, _)| capitalized(word));
    let mut heads = vec!["Kind"];
    heads.extend(words.iter().map(String::as_str));
    let kinds = job.report.counts.iter();
    let rows = kinds.map(|(kind, counts)| {
        let mut row = vec![cell(capitalized(&parts::kind_words(kind)))];
        row.extend(counts.named().map(|(_, count)| cell(count.to_string())));
        row
    });
    table(
        "Records by kind",
        &heads,
        rows.collect(),
        "Nothing was read.",
    )
}

fn collections(job: &Job) -> TableView {
    let scopes = job.report.scopes.iter();
    let rows = scopes.map(|(name, result)| {
        let complete = if result.certified {
            parts::badge("complete", "badge--success")
        } else {
            parts::badge("incomplete", "badge--warning")
        };
        let reason = result.reason.clone().unwrap_or_default();
        vec![
            cell(name),
            complete,
            cell(result.seen.to_string()),
            cell(reason),
        ]
    });
    let empty = "No collection is of interest: those that were read were complete.";
    let heads = ["Collection", "State", "Seen", "Why"];
    table("Collections", &heads, rows.collect(), empty)
}
