//! Syncs that run by themselves.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Codex;
use crate::{
    Error, Result, Scope,
    schedule::{Entry, Planned, query},
};

/// How often the table is looked at.
const LOOK: std::time::Duration = std::time::Duration::from_secs(5);
/// When an expression never comes due, it is asked again after this.
const NEVER: TimeDelta = TimeDelta::days(365);

impl Codex {
    /// Every schedule that has been planned on this database, by name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn schedules(&self, scope: &Scope) -> Result<Vec<Planned>> {
        scope.require_staff("reading schedules")?;
        query::all(&self.0.db).await
    }

    /// Starts what is due and plans what comes next; gives the names of what it has started. Of several
    /// processes one starts a run; a run that was missed is caught up once.
    ///
    /// # Errors
    /// [`Error::Db`]; a sync that cannot be started is logged and planned anew.
    pub async fn run_due(&self, entries: &[Entry]) -> Result<Vec<&'static str>> {
        let now = self.now();
        let known = query::all(&self.0.db).await?;
        let mut started = Vec::new();
        for entry in entries {
            let planned = known.iter().find(|planned| planned.name == entry.name());
            match planned.filter(|planned| planned.cron == entry.cron()) {
                Some(planned) if planned.next_at <= now => {
                    if self.take(entry, planned, now).await? {
                        self.start_planned(entry).await?;
                        started.push(entry.name());
                    }
                }
                Some(_) => {}
                None => {
                    let mut tx = self.0.db.begin().await?;
                    let next = after(entry, now);
                    query::plan(&mut tx, entry.name(), &entry.cron(), next).await?;
                    tx.commit().await?;
                }
            }
        }
        Ok(started)
    }

    /// Runs schedules until [`Codex::close`]; `at_once` starts each when it begins.
    pub async fn keep_schedule(&self, entries: Vec<Entry>, at_once: bool) {
        if at_once {
            for entry in &entries {
                if let Err(error) = self.start_planned(entry).await {
                    tracing::error!(error = error.chain(), "A scheduled sync could not start");
                }
            }
        }
        loop {
            if let Err(error) = self.run_due(&entries).await {
                // The database may be away for a while; the schedule waits for it.
                tracing::error!(error = error.chain(), "Schedules could not be read");
            }
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn take(&self, entry: &Entry, due: &Planned, now: DateTime<Utc>) -> Result<bool> {
        let mut tx = self.0.db.begin().await?;
        let taken = query::take(&mut tx, due, after(entry, now), now).await?;
        tx.commit().await?;
        Ok(taken)
    }

    async fn start_planned(&self, entry: &Entry) -> Result<()> {
        match self.start_sync(&Scope::system(), entry.part()).await {
            Ok(job) => {
                tracing::info!(
                    schedule = entry.name(),
                    job = job.job_id,
                    "Started a sync by schedule"
                );
                Ok(())
            }
            Err(error @ Error::Db(_)) => Err(error),
            Err(error) => {
                let (schedule, error) = (entry.name(), error.chain());
                tracing::warn!(schedule, error, "A scheduled sync could not start");
                Ok(())
            }
        }
    }
}

/// The next time of an entry, shaken.
fn after(entry: &Entry, now: DateTime<Utc>) -> DateTime<Utc> {
    let (random, _) = Uuid::new_v4().as_u64_pair();
    let fraction = f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX);
    entry
        .next(now)
        .map_or(now + NEVER, |next| entry.shaken(next, fraction))
}
