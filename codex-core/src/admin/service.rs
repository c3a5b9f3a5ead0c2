//! Counts, probes and clearing through [`Codex`].

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::{ClearData, Cleared, RecordCounts, WaitingWork, query};
use crate::{
    Error, RecordKind, Result, Scope,
    codex::Codex,
    jobs,
    overrides::Override,
    panics::{joined, spawn_on},
    records::{Author, Resource},
    sync::ports::Probe,
};

/// How long an administrator waits for a vendor's answer.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Where the work is done, for the log.
const PLACE: &str = "clear data";

impl Codex {
    /// How many live records there are.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for all but administrators and services.
    pub async fn record_counts(&self, scope: &Scope) -> Result<RecordCounts> {
        scope.require_admin("counting records")?;
        query::counts(&self.0.db).await
    }

    /// How much waits, for a time or for a person.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for all but administrators and services.
    pub async fn waiting_work(&self, scope: &Scope) -> Result<WaitingWork> {
        scope.require_admin("counting what waits")?;
        query::waiting(&self.0.db).await
    }

    /// When runs of some sources last completed, by name; those that never have are left out.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn last_completed(
        &self,
        scope: &Scope,
        sources: &[&str],
    ) -> Result<HashMap<String, DateTime<Utc>>> {
        scope.require_staff("reading sync jobs")?;
        jobs::query::last_completed(&self.0.db, sources).await
    }

    /// Makes one cheap call to a vendor, for 10 s at most; `None` when it did not answer by then.
    ///
    /// # Errors
    /// [`Error::Upstream`] with what the vendor says, [`Error::Forbidden`].
    pub async fn probe(&self, scope: &Scope, vendor: &dyn Probe) -> Result<Option<()>> {
        scope.require_admin("testing connections")?;
        match timeout(WAIT_TIMEOUT, vendor.probe(self.call_context())).await {
            Ok(answer) => Ok(answer.map(Some)?),
            Err(_) => Ok(None),
        }
    }

    /// Drops all tables of Codex and creates them anew: all data is lost. What others keep in the same database stays.
    ///
    /// # Errors
    /// [`Error::Conflict`] while a sync is at work, [`Error::Forbidden`].
    pub async fn rebuild(&self, scope: &Scope) -> Result<()> {
        scope.require_admin("rebuilding the database")?;
        let mut tx = self.0.db.begin().await?;
        query::require_idle(&mut tx).await?;
        tx.rollback().await?;
        tracing::warn!("All tables are dropped and created anew");
        self.0.db.rebuild().await
    }

    /// Which records [`Codex::clear_data`] would delete.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn clearable(&self, scope: &Scope, data: ClearData) -> Result<Cleared> {
        scope.require_admin("clearing data")?;
        query::clearable(&self.0.db, data).await
    }

    /// Deletes what sources brought, so that the next sync begins anew and restores what the vendors still have. Records
    /// that people created stay, and so do manual values. Works in pages: what was done stays when it is cut, and a
    /// further call goes on.
    ///
    /// # Errors
    /// [`Error::Conflict`] while a sync is at work, [`Error::Forbidden`].
    pub async fn clear_data(
        &self,
        scope: &Scope,
        author: &Author,
        data: ClearData,
    ) -> Result<Cleared> {
        scope.require_admin("clearing data")?;
        let (codex, author) = (self.clone(), author.clone());
        // A caller who hangs up does not leave half of it.
        let work = async move { codex.clear(&author, data).await };
        let cleared = spawn_on(&self.0.tasks, PLACE, work).await;
        joined(PLACE, cleared)?
    }

    async fn clear(&self, author: &Author, data: ClearData) -> Result<Cleared> {
        let mut tx = self.0.db.begin().await?;
        query::require_idle(&mut tx).await?;
        query::forget_progress(&mut tx).await?;
        tx.commit().await?;
        let mut cleared = Cleared::default();
        for kind in data.kinds() {
            let count = by_kind!(*kind, R => Box::pin(self.clear_kind::<R>(author)).await?);
            cleared.0.push((kind.to_string(), count));
        }
        if data.kinds().contains(&RecordKind::Company) {
            let count = self.clear_overrides(author).await?;
            cleared.0.push((Override::KIND.to_owned(), count));
            let mut tx = self.0.db.begin().await?;
            query::forget_progress(&mut tx).await?;
            tx.commit().await?;
        }
        let (what, total) = (data.name(), cleared.total());
        tracing::warn!(actor = author.actor, what, total, "Cleared data: {what}");
        Ok(cleared)
    }

    /// Retires the claims of all sources on records of a kind; gives how many records were deleted.
    async fn clear_kind<R: Resource>(&self, author: &Author) -> Result<i64> {
        let (mut deleted, mut behind) = (0, 0);
        loop {
            self.require_open()?;
            let mut tx = self.0.db.begin().await?;
            query::require_idle(&mut tx).await?;
            let claims = query::next(&mut tx, R::KIND, behind).await?;
            let Some(last) = claims.last() else {
                return Ok(deleted);
            };
            behind = last.id;
            let mut by_source: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for claim in claims {
                let ids = by_source.entry(claim.source).or_default();
                ids.push(claim.external_id);
            }
            for (source, ids) in by_source {
                let mut writer = self.writer(&mut tx, author);
                let outcome = writer.retire::<R>(&source, &ids).await?;
                deleted += i64::try_from(outcome.deleted).unwrap_or(i64::MAX);
            }
            tx.commit().await?;
        }
    }

    /// Deletes the overrides of companies that are cleared.
    async fn clear_overrides(&self, author: &Author) -> Result<i64> {
        let mut deleted = 0;
        loop {
            self.require_open()?;
            let mut tx = self.0.db.begin().await?;
            let ids = query::overrides(&mut tx, author.at).await?;
            if ids.is_empty() {
                return Ok(deleted);
            }
            let mut writer = self.writer(&mut tx, author);
            let (found, _) = writer.delete::<Override>(&ids).await?;
            deleted += i64::try_from(found.len()).unwrap_or(i64::MAX);
            tx.commit().await?;
        }
    }

    fn require_open(&self) -> Result<()> {
        if self.0.stop.is_cancelled() {
            return Err(Error::Busy("Codex is stopping"));
        }
        Ok(())
    }
}
