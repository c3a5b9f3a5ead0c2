//! The end of a job: what it says, and that it is written whatever happens.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Result,
    codex::Codex,
    jobs::{Job, JobReport, JobStatus, RUN_COUNTER, query},
    plural::count_of,
    sync::{Run, engine::lease::Lease},
};

/// How long jobs that have ended are kept.
const KEPT: TimeDelta = TimeDelta::days(90);
/// The most changes that a dry run lists.
const MOST_LINES: usize = 100;
/// The first wait before the end of a job is written once more.
const FIRST_WAIT: Duration = Duration::from_millis(100);

impl Codex {
    /// The job as it ended, which is logged.
    pub(super) async fn conclusion(
        &self,
        source: &'static str,
        mut job: Job,
        synced: Result<()>,
        run: Option<Run>,
        cancel: &CancellationToken,
    ) -> Job {
        if let Some(run) = &run {
            run.leave_accounts().await;
        }
        let cancelled_by = match &synced {
            Err(_) if cancel.is_cancelled() => self.cancelled_by(&job.id).await,
            _ => None,
        };
        let report = run.map(reported).unwrap_or_default();
        job.completed_at = Some(self.now());
        job.success = Some(synced.is_ok());
        job.output = Some(report.to_string());
        (job.status, job.error) = match (&synced, cancelled_by) {
            (Ok(()), _) => (JobStatus::Completed, None),
            (Err(_), Some(by)) => (JobStatus::Cancelled, Some(format!("cancelled by {by}"))),
            (Err(error), None) => (JobStatus::Failed, Some(error_text(error))),
        };
        job.report = report;
        let error = synced.as_ref().err().map(Error::chain);
        metrics::counter!(RUN_COUNTER, "source" => source, "status" => job.status.name())
            .increment(1);
        match job.status {
            JobStatus::Completed => {
                tracing::info!(job.id, source, "Sync of `{source}` completed");
            }
            JobStatus::Cancelled => {
                let reason = job.error.as_deref();
                tracing::info!(job.id, source, reason, "Sync of `{source}` was cancelled");
            }
            _ => tracing::error!(job.id, source, error, "Sync of `{source}` failed"),
        }
        job
    }

    /// A job whose end failed or panicked: it has failed, and of what it did nothing is reported.
    pub(super) fn failed(&self, job: &Job, error: &Error) -> Job {
        Job {
            status: JobStatus::Failed,
            completed_at: Some(self.now()),
            success: Some(false),
            error: Some(error_text(error)),
            ..job.clone()
        }
    }

    /// Writes the end of a job. Where the database cannot be written for now, tries again until it can or the process
    /// ends: nobody else knows how the job ended. Before others take the lease for lost, or they would write an end.
    ///
    /// # Errors
    /// What will not pass by waiting.
    pub(super) async fn write_end(&self, job: &Job, lease: Option<&Lease>) -> Result<()> {
        let longest = self.0.lease / 5;
        let (mut wait, mut failed) = (FIRST_WAIT.min(longest), false);
        while let Err(error) = self.finish(job, lease).await {
            if !failed {
                tracing::error!(
                    job.id,
                    error = error.chain(),
                    "The end of job `{}` could not be written",
                    job.id
                );
            }
            failed = true;
            let may_pass =
                error.write_failure().is_some() || error.is_out_of_reach() || error.is_in_the_way();
            if !may_pass {
                return Err(error);
            }
            let pause = self.0.stop.run_until_cancelled(tokio::time::sleep(wait));
            if pause.await.is_none() {
                return Ok(());
            }
            wait = (wait * 2).min(longest);
        }
        if failed {
            tracing::info!(job.id, "The end of job `{}` is written now", job.id);
        }
        Ok(())
    }

    /// Who or what cancelled a job that its own lease has not ended.
    async fn cancelled_by(&self, job: &str) -> Option<String> {
        match query::cancelled_by(&self.0.db, job).await {
            Ok(Some(by)) => Some(by),
            _ if self.0.stop.is_cancelled() => Some("the end of the process".to_owned()),
            _ => None,
        }
    }

    async fn finish(&self, job: &Job, lease: Option<&Lease>) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        query::finish(&mut tx, job).await?;
        query::prune(&mut tx, self.now() - KEPT).await?;
        if let Some(lease) = lease {
            lease.release(&mut tx).await?;
        }
        tx.commit().await
    }
}

/// What a run reports. A dry run also says what it would change.
fn reported(run: Run) -> JobReport {
    let is_dry = run.dry();
    let mut report = run.report;
    if is_dry {
        let changes = run.plan.changes.iter();
        let holds = run.plan.holds.iter().map(|hold| {
            let records = count_of(hold.external_ids.len(), &format!("{} record", hold.kind));
            format!("would hold the deletion of {records} of {}", hold.scope)
        });
        let lines = holds.chain(changes.map(|change| format!("would {change}")));
        report.notes.extend(lines.take(MOST_LINES));
        if run.plan.more || run.plan.changes.len() > MOST_LINES {
            report
                .notes
                .push("there are more changes than are listed here".to_owned());
        }
        report.notes.push("dry run: nothing was written".to_owned());
    }
    report
}

/// What a job says of an error: the whole chain, without the database's own words. They may quote records, and are in
/// the log.
fn error_text(error: &Error) -> String {
    match error {
        Error::Db(_) | Error::Corrupt { .. } => format!("{error}; the log has the cause"),
        other => other.chain(),
    }
}
