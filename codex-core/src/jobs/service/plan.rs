//! Syncs that are looked at before they are made.

use std::sync::Arc;

use super::{cancelled, unavailable};
use crate::{
    Error, Result, Scope,
    codex::Codex,
    jobs::Job,
    sync::{Request, Run, Source, SyncKind, SyncPlan, Work},
};

impl Codex {
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
        let synced = stop.run_until_cancelled(source.sync(&mut run)).await;
        run.leave_accounts().await;
        synced.unwrap_or_else(|| Err(cancelled()))?;
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
        let vendors = self.vendors();
        let source = vendors
            .sources
            .iter()
            .find(|source| source.name() == plan.source);
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

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(async move { run.replay(&self.plan, &self.source.origins()).await })
    }
}
