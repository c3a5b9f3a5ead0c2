//! Issues of syncs on the page of the record that they concern: what `templates/_record_issues.html` shows.

use chrono::{DateTime, Utc};
use codex_core::{RecordKind, Result, jobs::record_issues::RecordIssue};

use super::{parts::MomentView, sync::job_path, visit::Visit};
use crate::http::forwarded::Forwarded;

/// An issue of a job that is about this record.
#[derive(Debug)]
pub(super) struct RecordIssueView {
    pub issue: String,
    pub sync: String,
    pub when: MomentView,
    /// The job.
    pub href: String,
}

impl RecordIssueView {
    /// An issue of a record as its page shows it.
    pub fn new(at: &Forwarded, found: &RecordIssue, now: DateTime<Utc>) -> Self {
        Self {
            issue: found.issue.clone(),
            sync: found.sync.clone(),
            when: MomentView::past(found.at, now),
            href: at.link(&job_path(&found.job_id)),
        }
    }
}

/// The issues of a record, by its kind and row id; none for clients.
pub(super) async fn of_record(
    visit: &Visit,
    kind: RecordKind,
    id: i64,
) -> Result<Vec<RecordIssueView>> {
    let codex = &visit.call.codex;
    let issues = codex.record_issues(visit.scope(), kind, id).await?;
    let views = issues
        .iter()
        .map(|one| RecordIssueView::new(&visit.at, one, codex.now()));
    Ok(views.collect())
}
