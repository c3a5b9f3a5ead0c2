//! All syncs on one page: last run, next run, and how to start them.

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    jobs::Job,
    plural::count_of,
    schedule::{Entry, Planned},
    sync::SyncKind,
};

use super::{JOBS, SYNCS, badge, job_path};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        csrf,
        parts::{MomentView, shell},
        shell::Shell,
    },
};

/// What the page is made of.
#[derive(Debug)]
pub(super) struct SyncParts {
    /// The newest job of each sync.
    pub newest: Vec<Job>,
    /// The newest that completed.
    pub completed: Vec<Job>,
    /// When schedules come due.
    pub planned: Vec<Planned>,
    /// The schedules that are configured.
    pub entries: Vec<Entry>,
    /// Syncs whose vendors are configured.
    pub available: Vec<SyncKind>,
    pub now: DateTime<Utc>,
    pub token: String,
}

/// A run of a sync.
#[derive(Debug)]
struct RunView {
    href: String,
    status: &'static str,
    badge: &'static str,
    issues: Option<String>,
    when: MomentView,
}

/// A sync.
#[derive(Debug)]
struct RowView {
    name: &'static str,
    /// What it reads or writes.
    about: &'static str,
    /// How much of it.
    extent: &'static str,
    jobs: String,
    last: Option<RunView>,
    success: Option<MomentView>,
    next: Option<MomentView>,
    can_start: bool,
    can_plan: bool,
    /// Who may start it, for those who may not.
    refused: Option<&'static str>,
}

/// All syncs.
#[derive(Debug, Template)]
#[template(path = "sync/overview.html")]
pub(super) struct SyncView {
    shell: Shell,
    action: String,
    csrf_field: &'static str,
    csrf: String,
    jobs: String,
    rows: Vec<RowView>,
    /// Whether the reader may start any of them.
    can_start: bool,
}

impl SyncView {
    pub fn new(at: &Forwarded, scope: &Scope, parts: &SyncParts) -> Self {
        let kinds = parts.available.iter();
        let rows: Vec<_> = kinds.map(|kind| row(at, scope, *kind, parts)).collect();
        Self {
            shell: shell(at, scope, "Sync"),
            action: at.link(SYNCS),
            csrf_field: csrf::FIELD,
            csrf: parts.token.clone(),
            jobs: at.link(JOBS),
            can_start: rows.iter().any(|row| row.can_start || row.can_plan),
            rows,
        }
    }
}

fn row(at: &Forwarded, scope: &Scope, kind: SyncKind, parts: &SyncParts) -> RowView {
    let of = |jobs: &'_ [Job]| {
        let is = |job: &&Job| SyncKind::of_job(&job.script, job.sync_type.as_deref()) == Some(kind);
        jobs.iter().find(is).cloned()
    };
    let last = of(&parts.newest).map(|job| RunView {
        href: at.link(&job_path(&job.id)),
        status: job.status.name(),
        badge: badge(job.status),
        issues: (job.report.issue_count > 0).then(|| count_of(job.report.issue_count, "issue")),
        when: MomentView::past(job.started_at, parts.now),
    });
    let success = of(&parts.completed).and_then(|job| job.completed_at);
    let entry = parts.entries.iter().find(|entry| entry.kind() == kind);
    let planned = entry.and_then(|entry| {
        let mut planned = parts.planned.iter();
        planned.find(|planned| planned.name == entry.name())
    });
    let can_start = scope.require(kind.started_by(), "starting a sync").is_ok();
    let (about, extent) = about(kind);
    RowView {
        name: kind.name(),
        about,
        extent,
        jobs: at.link(&format!("{JOBS}?sync={}", kind.name())),
        last,
        success: success.map(|success| MomentView::past(success, parts.now)),
        next: planned.map(|planned| MomentView::full(planned.next_at)),
        can_start,
        can_plan: scope.require_admin("planning a sync").is_ok(),
        refused: (!can_start).then_some(match kind {
            SyncKind::Tickets | SyncKind::TicketsLight => "for technicians and administrators",
            _ => "for administrators",
        }),
    }
}

/// What a sync reads or writes, and how much of it.
fn about(kind: SyncKind) -> (&'static str, &'static str) {
    match kind {
        SyncKind::Psa => ("Companies, contacts and PSA agents", "full"),
        SyncKind::Rmm => ("Sites and devices", "full"),
        SyncKind::RmmAudits => ("Inventories of devices", "incremental"),
        SyncKind::Tickets => ("Tickets with conversations and time entries", "incremental"),
        SyncKind::TicketsLight => ("Tickets without conversations", "incremental"),
        SyncKind::TicketHistory => ("Every ticket since the first", "full"),
        SyncKind::Agents => ("Users who log in", "full"),
        SyncKind::AssignAccounts => ("Account numbers for companies that have none", "writes"),
        SyncKind::PushAccounts => ("Account numbers at sites", "writes"),
    }
}
