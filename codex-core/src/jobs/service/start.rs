//! The start of a job.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::work::PLACE;
use crate::{
    Result, Scope,
    codex::Codex,
    idempotency::{keep_step, step_done, unkeyed},
    jobs::{DRY_RUN, Job, JobReport, JobStatus, query},
    panics::{Panicked, spawn_on},
    sync::{Request, Source},
};

/// A sync that was started, or found at work already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its job.
    pub job_id: String,
    /// Whether it was at work already: one run of a source at a time.
    pub already_running: bool,
}

impl Codex {
    /// Starts a sync of the PSA or RMM in the background; one that runs in this process already is
    /// not started again.
    ///
    /// # Errors
    /// [`crate::Error::Unsupported`] when the provider is not available, [`crate::Error::Forbidden`], [`crate::Error::Db`].
    pub async fn start_sync(&self, scope: &Scope, request: impl Into<Request>) -> Result<Started> {
        let request = request.into();
        if request.dry_run {
            scope.require_admin("planning a sync")?;
        }
        scope.require(request.part.started_by(), "starting a sync")?;
        if let Some(job_id) = step_done(0)? {
            return Ok(Started {
                job_id,
                already_running: false,
            });
        }
        let source = self.source(request.part)?;
        request.check(&*source, self.now())?;
        self.start(source, request).await
    }

    pub(super) async fn start(&self, source: Arc<dyn Source>, request: Request) -> Result<Started> {
        let job = self.new_job(&source, &request);
        let slot = match self.take_slot(source.name(), &job.id) {
            Ok(slot) => slot,
            Err(job_id) => {
                return Ok(Started {
                    job_id,
                    already_running: true,
                });
            }
        };
        let mut tx = self.begin_step(0).await?;
        query::insert(&mut tx, &job).await?;
        keep_step(&mut tx, 0, &job.id).await?;
        let job_id = job.id.clone();
        let codex = self.clone();
        // A caller who hangs up ends this future at any point. The job is committed and worked on in one task, so
        // that there is none that nobody works on.
        let (begun, has_begun) = oneshot::channel();
        spawn_on(&self.0.tasks, PLACE, async move {
            if let Err(error) = tx.commit().await {
                drop(slot);
                begun.send(Err(error)).ok();
                return;
            }
            begun.send(Ok(())).ok();
            Box::pin(codex.work(source, request, job, slot)).await;
        });
        let panicked = |_| Err(Panicked { place: PLACE }.into());
        has_begun.await.unwrap_or_else(panicked)?;
        Ok(Started {
            job_id,
            already_running: false,
        })
    }

    /// Syncs the PSA or RMM and waits for the end; the job has the result.
    ///
    /// # Errors
    /// As [`Codex::start_sync`]; a run that fails is not an error here but a failed job.
    pub async fn sync(&self, scope: &Scope, request: impl Into<Request>) -> Result<Job> {
        // The run of a process that has ended will never be over.
        let started = unkeyed(self.start_sync(scope, request)).await?;
        self.ended(scope, &started.job_id).await
    }

    /// Waits until a job has ended.
    pub(super) async fn ended(&self, scope: &Scope, job_id: &str) -> Result<Job> {
        loop {
            if let Some(job) = self.job(scope, job_id).await?
                && job.status.is_over()
            {
                return Ok(job);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn new_job(&self, source: &Arc<dyn Source>, request: &Request) -> Job {
        let kind = source.kind();
        let (script, sync_type) = if request.dry_run {
            (DRY_RUN, Some(kind.name()))
        } else {
            (kind.script(), kind.sync_type())
        };
        Job {
            id: Uuid::new_v4().to_string(),
            script: script.to_owned(),
            provider: Some(source.name().to_owned()),
            sync_type: sync_type.map(str::to_owned),
            status: JobStatus::Queued,
            started_at: self.now(),
            started_by: request.started_by.clone(),
            completed_at: None,
            output: None,
            error: None,
            success: None,
            report: JobReport::default(),
        }
    }
}
