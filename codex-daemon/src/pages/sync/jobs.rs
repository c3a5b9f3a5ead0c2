//! The list of jobs.

use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    jobs::{Job, JobReport, JobStatus},
    list::Page,
    plural::count_of,
    sync::SyncKind,
};

use super::{JOBS, SYNCS, badge, duration, job_path, title};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        fields::{age, capitalized},
        parts::{self, PagerView, Params, TabView, actor, cell, name, shell, table, tabs},
        shell::Shell,
        table::{Cell, Choice, TableView},
    },
};

/// The list of jobs as a page.
#[derive(Debug, Template)]
#[template(path = "sync/jobs.html")]
pub(super) struct JobListView {
    shell: Shell,
    action: String,
    tabs: Vec<TabView>,
    syncs: Vec<Choice>,
    /// The state that the filter form keeps.
    state: Option<String>,
    table: TableView,
    pager: PagerView,
}

impl JobListView {
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        params: &Params,
        page: &Page<Job>,
        names: &HashMap<String, String>,
        now: DateTime<Utc>,
    ) -> Self {
        let labels = JobStatus::ALL.map(|status| (status.name(), capitalized(status.name())));
        let mut states = vec![("", "All")];
        states.extend(labels.iter().map(|(word, label)| (*word, label.as_str())));
        let asked = params.get("sync").unwrap_or_default();
        let choice = |value: &str, label: &str| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            selected: value == asked,
        };
        let mut syncs = vec![choice("", "every sync")];
        syncs.extend(SyncKind::ALL.map(|kind| choice(kind.name(), kind.name())));
        if !syncs.iter().any(|choice| choice.selected) {
            syncs.push(choice(asked, asked));
        }
        let jobs = page.items.iter();
        let rows = jobs.map(|job| row(at, job, names, now)).collect();
        let heads = [
            "Sync",
            "State",
            "Started",
            "Duration",
            "Started by",
            "Result",
        ];
        let is_narrowed = ["sync", "state", "cursor"]
            .iter()
            .any(|one| params.get(one).is_some());
        let empty = if is_narrowed {
            "No job fits the filters."
        } else {
            "No sync has run yet."
        };
        Self {
            shell: shell(at, scope, "Jobs").under("Sync", at.link(SYNCS)),
            action: at.link(JOBS),
            tabs: tabs(at, JOBS, params, "state", &states),
            syncs,
            state: params.get("state").map(str::to_owned),
            table: table("Jobs, the newest first", &heads, rows, empty),
            pager: PagerView::new(at, JOBS, params, page.next.as_ref()),
        }
    }
}

fn row(
    at: &Forwarded,
    job: &Job,
    names: &HashMap<String, String>,
    now: DateTime<Utc>,
) -> Vec<Cell> {
    let by = job.started_by.as_deref().map(|by| actor(by, names));
    vec![
        name(title(job), at.link(&job_path(&job.id))),
        parts::badge(job.status.name(), badge(job.status)),
        cell(age(job.started_at, now)),
        cell(duration(job, now)),
        cell(by.unwrap_or_default()),
        cell(result(job)),
    ]
}

/// What a job did, in a line.
fn result(job: &Job) -> String {
    let JobReport {
        counts,
        issue_count,
        ..
    } = &job.report;
    let changes = counts.iter().filter_map(|(kind, counts)| {
        let (created, updated) = (counts.created + counts.restored, counts.updated);
        let parts = [
            (created, "created"),
            (updated, "updated"),
            (counts.deleted, "deleted"),
            (counts.held, "held"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        (!parts.is_empty()).then(|| format!("{}: {}", parts::kind_words(kind), parts.join(", ")))
    });
    let mut texts: Vec<String> = changes.collect();
    if *issue_count > 0 {
        texts.push(count_of(issue_count, "issue"));
    }
    if let (true, Some(error)) = (texts.is_empty(), &job.error) {
        return error.chars().take(120).collect();
    }
    if texts.is_empty() && job.status == JobStatus::Completed {
        return "nothing changed".to_owned();
    }
    texts.join("; ")
}
