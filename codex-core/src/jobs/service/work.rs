//! A job at work: the lease, the run, and whoever wants it to end.

use std::{sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument as _;

use super::{Slot, cancelled};
use crate::{
    Error, Result,
    codex::Codex,
    jobs::{Job, query},
    panics::{guarded, spawn_on},
    sync::{Request, Run, Source, engine::lease::Lease},
};

/// The task of a job, and its last part.
pub(super) const PLACE: &str = "job";
const END: &str = "end of a sync";
/// How often a run looks whether somebody wants it to end.
const LOOK: Duration = Duration::from_millis(500);

/// What a job got hold of until it ended.
#[derive(Debug, Default)]
struct Attempt {
    lease: Option<Lease>,
    run: Option<Run>,
}

impl Codex {
    /// Takes the lease, syncs, and writes the end of the job. Every outcome is recorded on the job: errors, panics and
    /// cancellation, also a panic while the job ends.
    pub(super) async fn work(
        &self,
        source: Arc<dyn Source>,
        request: Request,
        job: Job,
        slot: Slot,
    ) {
        let cancel = self.0.stop.child_token();
        let mut attempt = Attempt::default();
        let work = Box::pin(self.attempt(&source, &request, &job, &cancel, &mut attempt));
        let work = work.instrument(tracing::info_span!(
            "sync",
            source = source.name(),
            job_id = %job.id
        ));
        let synced = guarded("sync", work)
            .await
            .unwrap_or_else(|panicked| Err(panicked.into()));
        let Attempt { lease, run } = attempt;
        let conclusion = self.conclusion(source.name(), job.clone(), synced, run, &cancel);
        let ended = guarded(END, conclusion).await;
        let ended = ended.unwrap_or_else(|panicked| self.failed(&job, &panicked.into()));
        // Before the job shows its end: whoever sees it may start the next one at once.
        drop(slot);
        let written = guarded(END, self.write_end(&ended, lease.as_ref())).await;
        if let Err(error) = written.unwrap_or_else(|panicked| Err(panicked.into())) {
            // What cannot be written of it may be its report; the job and the lease end all the same.
            let failed = self.failed(&job, &error);
            guarded(END, self.write_end(&failed, lease.as_ref()))
                .await
                .ok();
        }
    }

    /// The part of a job that may fail, panic or be cancelled. What it got hold of stays in `attempt`; the tasks
    /// beside it end with it.
    async fn attempt(
        &self,
        source: &Arc<dyn Source>,
        request: &Request,
        job: &Job,
        cancel: &CancellationToken,
        attempt: &mut Attempt,
    ) -> Result<()> {
        let inner = &self.0;
        let watch = heed_cancel(self.clone(), job.id.clone(), cancel.clone());
        let _watch = AbortOnDropHandle::new(spawn_on(&inner.tasks, "job watch", watch));
        let take = Lease::take(
            &inner.db,
            &*inner.clock,
            source.name(),
            &job.id,
            inner.lease,
        );
        let taken = cancel.run_until_cancelled(take).await;
        let lease = taken
            .unwrap_or_else(|| Err(cancelled()))
            .map_err(|error| Error::conflict(error.chain()))?;
        attempt.lease = Some(lease.clone());
        let beats = keep_alive(self.clone(), lease.clone(), cancel.clone());
        let _beats = AbortOnDropHandle::new(spawn_on(&inner.tasks, "job lease", beats));
        // A dry run keeps the lease, so that nothing changes under it, and gives the run none: that writes nothing.
        let right = (!request.dry_run).then(|| lease.clone());
        let run = self
            .run(source, job.id.clone(), right, cancel.clone())
            .narrowed(request);
        let run = attempt.run.insert(run);
        // Whatever the source waits for (a vendor's answer, its limit, a pause) is given up at once.
        match cancel.run_until_cancelled(source.sync(run)).await {
            Some(synced) => synced?,
            // The lease says whether it is lost, which is no wish of anybody's.
            None => return lease.beat(&inner.db).await.and_then(|()| Err(cancelled())),
        }
        if let Err(error) = run.finish().await {
            let error = error.chain();
            tracing::warn!(error, "The statistics of the database could not be updated");
        }
        Ok(())
    }
}

/// Looks until it is stopped whether somebody wants a job to end.
async fn heed_cancel(codex: Codex, job: String, run: CancellationToken) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Ok(Some(_)) = query::cancelled_by(&codex.0.db, &job).await {
            return run.cancel();
        }
    }
}

/// Beats until it is stopped; cancels the run when the lease is lost.
async fn keep_alive(codex: Codex, lease: Lease, run: CancellationToken) {
    loop {
        tokio::time::sleep(codex.0.lease / 5).await;
        match lease.beat(&codex.0.db).await {
            // A database that is away for a moment is the run's own trouble.
            Ok(()) | Err(Error::Db(_)) => {}
            Err(error) => {
                tracing::error!(error = error.chain(), "A sync has lost its lease");
                return run.cancel();
            }
        }
    }
}
