//! What syncs did, or would do, for people.

use std::io;

use codex_core::{
    jobs::{Counts, Job, JobStatus},
    plural::{agree, count_of},
    records::Change,
    sync::SyncPlan,
};
use serde_json::Value;

use crate::cli::{
    output,
    table::{Table, printable_lines},
};

/// The longest value that a plan shows whole.
const LONGEST: usize = 60;

/// Prints a table of what jobs did, a line for each kind of record, and only counts that some line has; then what a
/// person should look at.
pub(super) fn print(jobs: &[Job]) -> io::Result<()> {
    counts(jobs).print()?;
    output::lines(remarks(jobs))
}

/// What a person should look at, and what each job took.
fn remarks(jobs: &[Job]) -> String {
    let mut text = String::new();
    for job in jobs {
        let reasons = job.report.scopes.iter();
        for (scope, result) in reasons {
            if let Some(reason) = &result.reason {
                line(&mut text, format_args!("{scope}: {reason}"));
            }
        }
        for note in &job.report.notes {
            line(&mut text, format_args!("{note}"));
        }
        for issue in &job.report.issues {
            line(&mut text, format_args!("- {issue}"));
        }
        let mut parts = vec![count_of(job.report.calls, "call")];
        if job.report.issue_count > 0 {
            parts.push(count_of(job.report.issue_count, "issue"));
        }
        let took = job
            .completed_at
            .map(|end| (end - job.started_at).num_seconds());
        parts.extend(took.map(|seconds| format!("{seconds} s")));
        line(
            &mut text,
            format_args!("{}: {}", job.sync(), parts.join(", ")),
        );
    }
    text
}

fn counts(jobs: &[Job]) -> Table {
    let all = || jobs.iter().flat_map(|job| job.report.counts.values());
    let shown: Vec<&str> = Counts::default()
        .named()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| all().any(|counts| count(counts, name) > 0))
        .collect();
    let head = ["source", "status", "records"]
        .into_iter()
        .chain(shown.iter().copied());
    let mut table = Table::of(head).numbers_from(3);
    for job in jobs {
        let own = [job.sync().to_owned(), status(job.status).to_owned()];
        if job.report.counts.is_empty() {
            table.push(own.iter().cloned().chain(["-".to_owned()]));
        }
        for (kind, counts) in &job.report.counts {
            let counts = shown.iter().map(|name| count(counts, name).to_string());
            table.push(own.iter().cloned().chain([kind.clone()]).chain(counts));
        }
    }
    table
}

fn count(counts: &Counts, name: &str) -> u64 {
    let found = counts.named().into_iter().find(|(known, _)| *known == name);
    found.map_or(0, |(_, count)| count)
}

/// A status as people read it.
pub(in crate::cli) fn status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued => "queued",
        JobStatus::Running => "running",
        JobStatus::Completed => "completed",
        JobStatus::Failed => "failed",
        JobStatus::Cancelled => "cancelled",
    }
}

/// A plan, each change with its fields before and after.
pub(super) fn plan(plan: &SyncPlan) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        line(&mut text, format_args!("{change}"));
        for (field, values) in fields(change) {
            let (before, after) = (shown(&values["before"]), shown(&values["after"]));
            line(
                &mut text,
                format_args!("    {field:<24} {before} -> {after}"),
            );
        }
    }
    if plan.more {
        let count = plan.changes.len();
        line(
            &mut text,
            format_args!("... and more: only the first {count} are shown"),
        );
    }
    for hold in &plan.holds {
        let (missing, total) = (hold.external_ids.len(), hold.total);
        let (kind, scope) = (&hold.kind, &hold.scope);
        let are = agree(missing, "is", "are");
        line(
            &mut text,
            format_args!(
                "hold {kind} in {scope}: {missing} of {total} {are} missing and would wait for a person"
            ),
        );
    }
    line(&mut text, format_args!("{}", plan.report));
    line(&mut text, format_args!("Nothing was written."));
    text
}

fn fields(change: &Change) -> impl Iterator<Item = (&String, &Value)> {
    let said = |values: &Value| !(values["before"].is_null() && values["after"].is_null());
    change.fields.iter().filter(move |(_, values)| said(values))
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return "-".to_owned(),
        value => value.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    text.push_str(&printable_lines(&content.to_string()));
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use codex_core::jobs::JobReport;

    use super::*;

    #[test]
    fn summary_has_a_header_and_no_zero_counts() {
        let of_companies = Counts {
            seen: 3,
            created: 1,
            unchanged: 2,
            ..Counts::default()
        };
        let report = JobReport {
            counts: [("company".to_owned(), of_companies)].into(),
            calls: 1,
            issue_count: 1,
            issues: vec!["one".into()],
            ..JobReport::default()
        };
        let job = Job {
            id: "j".into(),
            script: "rmm-audits".into(),
            provider: Some("datto.audits".into()),
            sync_type: None,
            status: JobStatus::Completed,
            started_at: chrono::DateTime::UNIX_EPOCH,
            completed_at: None,
            output: None,
            error: None,
            success: Some(true),
            started_by: None,
            report,
        };
        assert_eq!(
            counts(std::slice::from_ref(&job)).to_string(),
            "SOURCE        STATUS     RECORDS  SEEN  CREATED  UNCHANGED\n\
             datto-audits  completed  company     3        1          2\n"
        );
        assert_eq!(
            remarks(std::slice::from_ref(&job)),
            "- one\ndatto-audits: 1 call, 1 issue\n"
        );
        assert_eq!(
            job.report.to_string(),
            "company: 3 seen, 1 created, 2 unchanged\n- one\n1 call, 1 issue"
        );
    }
}
