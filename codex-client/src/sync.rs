//! Syncs and their jobs.

use std::time::Duration;

use codex_core::jobs::{
    JobStatus,
    wire::{JobDetailOut, JobOut, JobStarted},
};
use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{
    Download, Error, Records, Result, Start,
    request::{Call, Requester, json},
};

/// How long a job is left alone between two looks at it.
const PAUSE: Duration = Duration::from_millis(100);

/// What to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncKind {
    /// Companies, contacts and agents from the PSA.
    Psa,
    /// The same under its older name, for a Codex that knows no other.
    Freshservice,
    /// Sites and devices from the RMM.
    Datto,
    /// Hardware and software of the RMM's devices.
    Audits,
    /// The PSA's tickets that changed.
    Tickets,
    /// Every ticket that the PSA has.
    TicketHistory,
    /// Account numbers for the PSA's companies that have none.
    AssignAccounts,
    /// Account numbers for the RMM's sites.
    PushAccounts,
    /// The people who log in, from Keycloak.
    Agents,
}

/// Calls about syncs.
#[derive(Debug)]
pub struct Sync<'c>(pub(crate) &'c Requester);

impl Sync<'_> {
    /// Starts a sync; one that is already running is not started twice.
    pub fn start(&self, script: SyncKind) -> Start<JobStarted> {
        let path: &[&str] = match script {
            SyncKind::Psa => &["sync", "psa"],
            SyncKind::Freshservice => &["sync", "freshservice"],
            SyncKind::Datto => &["sync", "datto"],
            SyncKind::Audits => &["sync", "datto-audits"],
            SyncKind::Tickets => &["sync", "tickets"],
            SyncKind::TicketHistory => &["sync", "tickets", "full-history"],
            SyncKind::AssignAccounts => &["sync", "create-account-numbers"],
            SyncKind::PushAccounts => &["sync", "push-to-datto"],
            SyncKind::Agents => &["sync", "agents"],
        };
        self.0.start(path)
    }

    /// A job's status.
    pub async fn status(&self, job_id: &str) -> Result<JobOut> {
        self.0.get(&["sync", "status", job_id], &[]).await
    }

    /// The newest job of a script such as `psa`, whatever its status.
    pub async fn last(&self, script: &str) -> Result<JobOut> {
        self.0.get(&["sync", "last", script], &[]).await
    }

    /// The newest jobs with everything known about them, `limit` at most (1 to 500).
    pub async fn jobs(&self, limit: u32) -> Result<Vec<JobDetailOut>> {
        let query = [("limit", limit.to_string())];
        self.0.get(&["sync", "jobs"], &query).await
    }

    /// A job with everything known about it.
    pub async fn job(&self, job_id: &str) -> Result<JobDetailOut> {
        self.0.get(&["sync", "jobs", job_id], &[]).await
    }

    /// The states of a job, each when it differs from the one before; the last one is the job's end. Nothing is read
    /// before the stream is polled. Dropping it stops watching, not the job.
    ///
    /// An error is the end of the stream. It does not end the job: watch again when [`Error::is_retryable`] says so.
    pub fn watch(&self, job_id: &str) -> Records<JobDetailOut> {
        let states: Records<JobDetailOut> =
            self.states(&["sync", "jobs", job_id], |job: &JobDetailOut| job.status);
        let mut last: Option<JobDetailOut> = None;
        let changed = states.try_filter(move |job| {
            let differs = last.as_ref() != Some(job);
            if differs {
                last = Some(job.clone());
            }
            future::ready(differs)
        });
        changed.boxed()
    }

    /// The progress of a job as server-sent events, as they are sent, until it has ended. [`Sync::watch`] reads them
    /// as a job.
    pub async fn events(&self, job_id: &str) -> Result<Download> {
        let path = ["sync", "jobs", job_id, "events"];
        self.0.download(&path, &[]).await
    }

    /// Asks a job to stop at its next page.
    pub fn cancel(&self, job_id: &str) -> Start<JobDetailOut> {
        self.0.start(&["sync", "jobs", job_id, "cancel"])
    }

    /// The newest job of a script that succeeded.
    pub async fn last_completed(&self, script: &str) -> Result<JobOut> {
        let query = [("status", "completed".to_owned())];
        self.0.get(&["sync", "last", script], &query).await
    }

    /// Waits for the end of a job; [`Sync::watch`] shows its progress too.
    ///
    /// # Errors
    /// [`Error::StillRunning`] after `wait_timeout`.
    pub async fn wait(&self, job_id: &str, wait_timeout: Duration) -> Result<JobOut> {
        let end = Instant::now() + wait_timeout;
        let mut states: Records<JobOut> =
            self.states(&["sync", "status", job_id], |job: &JobOut| job.status);
        while let Some(job) = states.try_next().await? {
            if job.status.is_over() {
                return Ok(job);
            }
            if Instant::now() >= end {
                break;
            }
        }
        Err(Error::StillRunning(job_id.to_owned()))
    }

    /// What a path says of a job, time and again until the job has ended.
    fn states<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &[&str],
        status: fn(&T) -> JobStatus,
    ) -> Records<T> {
        let requester = self.0.clone();
        let first = Some((self.0.url(path, &[]).map(Call::get), Duration::ZERO));
        let states = stream::try_unfold(first, move |next| {
            let requester = requester.clone();
            async move {
                let Some((call, pause)) = next else {
                    return Ok(None);
                };
                let call = call?;
                tokio::time::sleep(pause).await;
                let job: T = requester.send(&call).await?.decode(json)?;
                let is_over = status(&job).is_over();
                let next = (!is_over).then_some((Ok(call), PAUSE));
                Ok(Some((job, next)))
            }
        });
        states.boxed()
    }
}
