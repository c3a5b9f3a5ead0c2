//! The list of jobs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use codex_core::{
    jobs::{Job, JobReport, JobStatus, query::LISTING},
    plural::count_of,
};

use super::{JOBS, badge, duration, job_path, title};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        fields::age,
        parts::{self, actor, cell, name},
        plain_list::PlainList,
        table::Cell,
    },
};

/// What pages say of it.
pub(super) const LIST: PlainList = PlainList {
    path: JOBS,
    title: "Jobs",
    about: "What each sync has done. Jobs are forgotten 90 days after their end.",
    noun: "job",
    listing: &LISTING,
    order: "-started_at",
    at_first: None,
    heads: &[
        ("Sync", "sync"),
        ("State", "state"),
        ("Started", "started_at"),
        ("Duration", ""),
        ("Started by", ""),
        ("Result", ""),
    ],
    empty: "No sync has run yet.",
};

/// Its rows; `names` are those of people.
pub(super) fn rows(
    at: &Forwarded,
    jobs: &[Job],
    names: &HashMap<String, String>,
    now: DateTime<Utc>,
) -> Vec<Vec<Cell>> {
    let jobs = jobs.iter();
    jobs.map(|job| row(at, job, names, now)).collect()
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
