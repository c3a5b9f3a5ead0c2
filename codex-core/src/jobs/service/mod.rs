//! Syncs and their jobs.

mod finish;
mod plan;
mod reading;
mod start;
mod work;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

pub use start::Started;

use crate::{
    Error, Result, Scope,
    codex::Codex,
    idempotency::{keep_step, step_done},
    jobs::{
        Job, JobStatus,
        query::{self, JobFilter},
    },
    records::Author,
    sync::{
        DEFAULT_USERS, Run, Source, SyncKind,
        engine::{lease::Lease, run::Context},
    },
};

sql! {
    /// Which database this is.
    DATABASE_ID = "select id from codex_database";
}

impl Codex {
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
        let vendors = self.vendors();
        let mut sources = vendors.sources.iter();
        let found = sources.find(|s| s.kind() == part && s.provider() == wanted);
        found.cloned().ok_or_else(|| unavailable(wanted))
    }

    /// Which database this is.
    async fn database_id(&self) -> Result<String> {
        let id = self.0.db.query(DATABASE_ID).scalar().await?;
        id.ok_or_else(|| Error::Corrupt {
            what: "the database's own id".into(),
            source: None,
        })
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
        let vendors = self.vendors();
        let context = Context {
            db: self.0.db.clone(),
            clock: self.0.clock.clone(),
            precedence: self.0.precedence.clone(),
            guard: vendors.guard,
            matching: vendors.matching,
        };
        Run::new(context, source.provider(), job_id, lease, cancel)
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

/// The end of a run whose token was cancelled.
fn cancelled() -> Error {
    Error::Sync {
        message: "the run was cancelled".into(),
    }
}

pub(crate) fn unavailable(provider: &str) -> Error {
    Error::Unsupported(format!(
        "{provider} is not available: it is unknown or not configured"
    ))
}
