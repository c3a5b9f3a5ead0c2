//! What syncs did, or would do, for people.

use std::fmt::Write as _;

use codex_core::{changes::Change, jobs::Job, sync::Plan};
use serde_json::Value;

/// The longest value that a plan shows whole.
const LONGEST: usize = 60;

/// A table of what jobs did, a line for each kind of record; then what a person should look at.
pub(in crate::cli) fn summary(jobs: &[Job]) -> String {
    let mut text = String::new();
    let columns = [
        "seen",
        "created",
        "updated",
        "restored",
        "deleted",
        "missing",
        "held",
        "unreadable",
    ];
    let head = columns.map(|column| format!("{column:>11}")).concat();
    line(
        &mut text,
        format_args!("{:<22} {:<10} {:<10}{head}", "source", "status", "records"),
    );
    for job in jobs {
        let source = job.provider.as_deref().unwrap_or(&job.script);
        let status = format!("{:?}", job.status).to_lowercase();
        if job.report.counts.is_empty() {
            line(&mut text, format_args!("{source:<22} {status:<10} -"));
        }
        for (kind, c) in &job.report.counts {
            let counts = [
                c.seen, c.created, c.updated, c.restored, c.deleted, c.missing, c.held, c.failed,
            ];
            let counts = counts.map(|count| format!("{count:>11}")).concat();
            line(
                &mut text,
                format_args!("{source:<22} {status:<10} {kind:<10}{counts}"),
            );
        }
    }
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
        let (calls, issues) = (job.report.calls, job.report.issue_count);
        let took = job
            .completed_at
            .map(|end| (end - job.started_at).num_seconds());
        let took = took.map_or_else(|| "?".to_owned(), |seconds| seconds.to_string());
        let source = job.provider.as_deref().unwrap_or(&job.script);
        line(
            &mut text,
            format_args!("{source}: {calls} calls, {issues} issues, {took} s"),
        );
    }
    text
}

/// A plan, each change with its fields before and after.
pub(super) fn plan(plan: &Plan) -> String {
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
        line(
            &mut text,
            format_args!(
                "hold {kind} in {scope}: {missing} of {total} are missing and would wait for a person"
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
    // Writing to a text does not fail.
    let _ = writeln!(text, "{content}");
}
