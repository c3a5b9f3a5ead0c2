//! Syncs and their jobs.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use uuid::Uuid;

use crate::{
    Error, Result, Scope,
    codex::Codex,
    idempotency::{keep_step, step_done, unkeyed},
    jobs::{
        Job, JobReport, JobStatus,
        query::{self, JobFilter},
    },
    panics::{Panicked, guarded, spawn_on},
    records::Author,
    sync::{
        DEFAULT_USERS, Request, Run, Source, SyncKind, SyncPlan, Work,
        engine::{lease::Lease, run::Context},
    },
};

sql! {
    /// Which database this is.
    DATABASE_ID = "select id from codex_database";
}

/// How long jobs that have ended are kept.
const KEPT: TimeDelta = TimeDelta::days(90);
/// The task of a job, and its last part.
const PLACE: &str = "job";
const END: &str = "end of a sync";
/// How often a run looks whether somebody wants it to end.
const LOOK: Duration = Duration::from_millis(500);
/// The first wait before the end of a job is written once more.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// A sync that was started, or found at work already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its job.
    pub job_id: String,
    /// Whether it was at work already: one run of a source at a time.
    pub already_running: bool,
}

impl Codex {
    /// Starts a pull from the PSA or RMM in the background; one that runs in this process already is
    /// not started again.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the provider is not available, [`Error::Forbidden`], [`Error::Db`].
    pub async fn start_sync(&self, scope: &Scope, request: impl Into<Request>) -> Result<Started> {
        let request = request.into();
        match request.part {
            SyncKind::Tickets | SyncKind::TicketsLight => {
                scope.require_technician("starting a sync")?;
            }
            SyncKind::Psa
            | SyncKind::TicketHistory
            | SyncKind::Rmm
            | SyncKind::RmmAudits
            | SyncKind::Agents
            | SyncKind::AssignAccounts
            | SyncKind::PushAccounts => {
                scope.require_admin("starting a sync")?;
            }
        }
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

    async fn start(&self, source: Arc<dyn Source>, request: Request) -> Result<Started> {
        let job = self.new_job(&source);
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

    /// Pulls from the PSA or RMM and waits for the end; the job says how it went.
    ///
    /// # Errors
    /// As [`Codex::start_sync`]; a run that fails is not an error here but a failed job.
    pub async fn sync(&self, scope: &Scope, request: impl Into<Request>) -> Result<Job> {
        // The run of a process that has ended will never be over.
        let started = unkeyed(self.start_sync(scope, request)).await?;
        self.ended(scope, &started.job_id).await
    }

    async fn ended(&self, scope: &Scope, job_id: &str) -> Result<Job> {
        loop {
            if let Some(job) = self.job(scope, job_id).await?
                && job.status.is_over()
            {
                return Ok(job);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Shows what a sync would do; writes nothing.
    ///
    /// Every page is compared with the database as it is, so links to records that the run itself would
    /// make are not part of the plan.
    ///
    /// # Errors
    /// As [`Codex::sync`], and whatever ends the run early.
    pub async fn plan_sync(&self, scope: &Scope, request: impl Into<Request>) -> Result<SyncPlan> {
        scope.require_admin("planning a sync")?;
        let request = request.into();
        let source = self.source(request.part)?;
        request.check(&*source, self.now())?;
        let stop = self.0.stop.child_token();
        let mut run = self
            .run(&source, "dry-run".into(), None, stop.clone())
            .narrowed(&request);
        let pulled = stop.run_until_cancelled(source.pull(&mut run)).await;
        run.leave_accounts().await;
        pulled.unwrap_or_else(|| Err(cancelled()))?;
        Ok(SyncPlan {
            database: self.database_id().await?,
            source: source.name().to_owned(),
            made_at: self.now(),
            report: run.report,
            ..run.plan
        })
    }

    /// Makes exactly the changes of a plan, or none; the vendor is not asked again. The job says how it
    /// went, and names the rows that have changed since the plan was made.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a plan of another database, [`Error::Unsupported`] when its source is not
    /// available, [`Error::Conflict`] while that is at work, [`Error::Forbidden`].
    pub async fn apply_plan(&self, scope: &Scope, plan: SyncPlan) -> Result<Job> {
        scope.require_admin("applying a plan")?;
        if plan.database != self.database_id().await? {
            return Err(Error::invalid("plan", "was made for another database"));
        }
        let sources = &self.0.sources;
        let source = sources.iter().find(|source| source.name() == plan.source);
        let source = source.cloned().ok_or_else(|| unavailable(&plan.source))?;
        let request = Request::from(source.kind());
        let started = self
            .start(Arc::new(Replay { source, plan }), request)
            .await?;
        if started.already_running {
            return Err(Error::conflict("a run of this source is at work"));
        }
        self.ended(scope, &started.job_id).await
    }

    /// Which database this is.
    async fn database_id(&self) -> Result<String> {
        let id = self.0.db.query(DATABASE_ID).scalar().await?;
        id.ok_or_else(|| Error::Corrupt {
            what: "the database's own id".into(),
            source: None,
        })
    }

    /// The job of a part that is at work, in whichever process.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when its source is not available, [`Error::Forbidden`] for clients.
    pub async fn job_at_work(&self, scope: &Scope, part: SyncKind) -> Result<Option<Job>> {
        let source = self.source(part)?;
        let filter = JobFilter {
            status: Some(JobStatus::Running),
            limit: 100,
            ..JobFilter::default()
        };
        let jobs = self.jobs(scope, &filter).await?;
        let of_source = |job: &Job| job.provider.as_deref() == Some(source.name());
        Ok(jobs.into_iter().find(of_source))
    }

    /// A job.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn job(&self, scope: &Scope, id: &str) -> Result<Option<Job>> {
        query::find(&self.0.db, scope, id).await
    }

    /// The newest job of a sync, by any of its names, whatever its status unless one is named.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn last_job(
        &self,
        scope: &Scope,
        sync: &str,
        status: Option<JobStatus>,
    ) -> Result<Option<Job>> {
        query::last(&self.0.db, scope, sync, status).await
    }

    /// The newest jobs.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn jobs(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<Job>> {
        query::list(&self.0.db, scope, filter).await
    }

    /// Cancels a job, in whichever process it runs, within a second; `None` when there is no such job. What it
    /// has done so far stays.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it has ended already, [`Error::Forbidden`].
    pub async fn cancel_job(
        &self,
        scope: &Scope,
        author: &Author,
        id: &str,
    ) -> Result<Option<Job>> {
        scope.require_technician("cancelling a sync")?;
        if self.job(scope, id).await?.is_none() {
            return Ok(None);
        }
        if step_done::<()>(0)?.is_none() {
            let mut tx = self.begin_step(0).await?;
            if !query::cancel(&mut tx, id, &author.actor).await? {
                return Err(Error::conflict("the job has ended already"));
            }
            keep_step(&mut tx, 0, &()).await?;
            tx.commit().await?;
        }
        self.job(scope, id).await
    }

    pub(crate) fn source(&self, part: SyncKind) -> Result<Arc<dyn Source>> {
        let providers = self.providers();
        let wanted = match part {
            SyncKind::Psa
            | SyncKind::Tickets
            | SyncKind::TicketsLight
            | SyncKind::TicketHistory
            | SyncKind::AssignAccounts => providers.psa.as_str(),
            SyncKind::Rmm | SyncKind::RmmAudits | SyncKind::PushAccounts => providers.rmm.as_str(),
            SyncKind::Agents => DEFAULT_USERS,
        };
        let found = self
            .0
            .sources
            .iter()
            .find(|s| s.kind() == part && s.provider() == wanted);
        found.cloned().ok_or_else(|| unavailable(wanted))
    }

    fn new_job(&self, source: &Arc<dyn Source>) -> Job {
        Job {
            id: Uuid::new_v4().to_string(),
            script: source.kind().script().to_owned(),
            provider: Some(source.name().to_owned()),
            sync_type: source.kind().sync_type().map(str::to_owned),
            status: JobStatus::Queued,
            started_at: self.now(),
            completed_at: None,
            output: None,
            error: None,
            success: None,
            report: JobReport::default(),
        }
    }

    /// Takes the slot of a source for a job.
    ///
    /// # Errors
    /// The job that has it.
    fn take_slot(&self, source: &'static str, job: &str) -> Result<Slot, String> {
        match self.running().entry(source) {
            Entry::Occupied(taken) => Err(taken.get().clone()),
            Entry::Vacant(free) => {
                free.insert(job.to_owned());
                let codex = self.clone();
                Ok(Slot { codex, source })
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<&'static str, String>> {
        self.0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn run(
        &self,
        source: &Arc<dyn Source>,
        job_id: String,
        lease: Option<Lease>,
        cancel: CancellationToken,
    ) -> Run {
        let context = Context {
            db: self.0.db.clone(),
            clock: self.0.clock.clone(),
            precedence: self.0.precedence.clone(),
            guard: self.0.guard,
            matching: self.0.matching,
        };
        Run::new(context, source.provider(), job_id, lease, cancel)
    }

    /// Takes the lease, pulls, writes the end of the job. Whatever happens ends on the job: an error, a panic,
    /// somebody who cancels; also a panic while it ends.
    async fn work(&self, source: Arc<dyn Source>, request: Request, job: Job, slot: Slot) {
        let cancel = self.0.stop.child_token();
        let mut attempt = Attempt::default();
        let pull = Box::pin(self.attempt(&source, &request, &job, &cancel, &mut attempt));
        let pulled = guarded("sync", pull)
            .await
            .unwrap_or_else(|panicked| Err(panicked.into()));
        let Attempt { lease, run } = attempt;
        let conclusion = self.conclusion(source.name(), job.clone(), pulled, run, &cancel);
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

    /// The job as it ended, which is logged.
    async fn conclusion(
        &self,
        source: &'static str,
        mut job: Job,
        pulled: Result<()>,
        run: Option<Run>,
        cancel: &CancellationToken,
    ) -> Job {
        if let Some(run) = &run {
            run.leave_accounts().await;
        }
        let cancelled_by = match &pulled {
            Err(_) if cancel.is_cancelled() => self.cancelled_by(&job.id).await,
            _ => None,
        };
        let report = run.map(|run| run.report).unwrap_or_default();
        job.completed_at = Some(self.now());
        job.success = Some(pulled.is_ok());
        job.output = Some(report.to_string());
        (job.status, job.error) = match (&pulled, cancelled_by) {
            (Ok(()), _) => (JobStatus::Completed, None),
            (Err(_), Some(by)) => (JobStatus::Cancelled, Some(format!("cancelled by {by}"))),
            (Err(error), None) => (JobStatus::Failed, Some(told(error))),
        };
        job.report = report;
        let error = pulled.as_ref().err().map(Error::chain);
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
    fn failed(&self, job: &Job, error: &Error) -> Job {
        Job {
            status: JobStatus::Failed,
            completed_at: Some(self.now()),
            success: Some(false),
            error: Some(told(error)),
            ..job.clone()
        }
    }

    /// Writes the end of a job. Where the database cannot be written for now, tries again until it can or the process
    /// ends: nobody else knows how the job ended. Before others take the lease for lost, or they would write an end.
    ///
    /// # Errors
    /// What will not pass by waiting.
    async fn write_end(&self, job: &Job, lease: Option<&Lease>) -> Result<()> {
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
                error.write_trouble().is_some() || error.is_out_of_reach() || error.is_in_the_way();
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
        let run = self
            .run(source, job.id.clone(), Some(lease.clone()), cancel.clone())
            .narrowed(request);
        let run = attempt.run.insert(run);
        // Whatever the source waits for (a vendor's answer, its limit, a pause) is given up at once.
        match cancel.run_until_cancelled(source.pull(run)).await {
            Some(pulled) => pulled?,
            // The lease says whether it is lost, which is no wish of anybody's.
            None => return lease.beat(&inner.db).await.and_then(|()| Err(cancelled())),
        }
        if let Err(error) = run.finish().await {
            let error = error.chain();
            tracing::warn!(error, "The database could not look at its tables");
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

/// The place of a job among those that are at work in this process; free again when it is dropped, whatever the
/// reason.
#[derive(Debug)]
struct Slot {
    codex: Codex,
    source: &'static str,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.codex.running().remove(self.source);
    }
}

/// What a job got hold of until it ended.
#[derive(Debug, Default)]
struct Attempt {
    lease: Option<Lease>,
    run: Option<Run>,
}

/// The end of a run whose token was cancelled.
fn cancelled() -> Error {
    Error::Sync {
        message: "the run was cancelled".into(),
    }
}

/// A source that does what a plan says instead of asking its vendor.
#[derive(Debug)]
struct Replay {
    source: Arc<dyn Source>,
    plan: SyncPlan,
}

impl Source for Replay {
    fn name(&self) -> &'static str {
        self.source.name()
    }

    fn provider(&self) -> &'static str {
        self.source.provider()
    }

    fn kind(&self) -> SyncKind {
        self.source.kind()
    }

    fn pull<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(async move { run.replay(&self.plan, &self.source.origins()).await })
    }
}

/// What a job says of an error: the whole chain, but nothing of a database's own words, which may quote
/// records (contract D-29); those are in the log.
fn told(error: &Error) -> String {
    match error {
        Error::Db(_) | Error::Corrupt { .. } => format!("{error}; the log has the cause"),
        other => other.chain(),
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

pub(crate) fn unavailable(provider: &str) -> Error {
    Error::Unsupported(format!(
        "{provider} is not available: it is unknown or not configured"
    ))
}
