//! Trouble of syncs on the page of the record that it concerns: what `templates/_trouble.html` shows.

use chrono::{DateTime, Utc};
use codex_core::{RecordKind, Result, jobs::trouble::Trouble};

use super::{parts::MomentView, sync::job_path, visit::Visit};
use crate::http::forwarded::Forwarded;

/// An issue of a job that is about this record.
#[derive(Debug)]
pub(super) struct TroubleView {
    pub issue: String,
    pub sync: String,
    pub when: MomentView,
    /// The job.
    pub href: String,
}

impl TroubleView {
    /// The trouble of a record as its page shows it.
    pub fn new(at: &Forwarded, trouble: &Trouble, now: DateTime<Utc>) -> Self {
        Self {
            issue: trouble.issue.clone(),
            sync: trouble.sync.clone(),
            when: MomentView::past(trouble.at, now),
            href: at.link(&job_path(&trouble.job_id)),
        }
    }
}

/// The trouble of a record, by its kind and row id; none for clients.
pub(super) async fn of_record(
    visit: &Visit,
    kind: RecordKind,
    id: i64,
) -> Result<Vec<TroubleView>> {
    let codex = &visit.call.codex;
    let trouble = codex.trouble(visit.scope(), kind, id).await?;
    let views = trouble
        .iter()
        .map(|one| TroubleView::new(&visit.at, one, codex.now()));
    Ok(views.collect())
}
