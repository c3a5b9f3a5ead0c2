//! Syncs that run by themselves.

use std::sync::PoisonError;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    Error, Result, Scope,
    codex::Codex,
    jobs,
    panics::{guarded, keep_going},
    schedule::{Entry, Planned, query},
    sync::Request,
};

/// How often the table is looked at.
const LOOK: std::time::Duration = std::time::Duration::from_secs(5);
/// When an expression never comes due, it is asked again after this.
const NEVER: TimeDelta = TimeDelta::days(365);
/// How far the clock of a process may be ahead of another's.
const AHEAD: TimeDelta = TimeDelta::days(1);

/// A scheduled source that has not completed for three of its intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateSource {
    /// Name of its schedule.
    pub schedule: &'static str,
    /// The source.
    pub source: &'static str,
    /// When it last completed.
    pub last_completed_at: Option<DateTime<Utc>>,
}

impl Codex {
    /// The sources of some schedules that have not completed for three of their intervals. One that never has is
    /// counted from its first job, or from the start of this process; after a start, runs that were missed have an
    /// interval, at most an hour, to be caught up. Schedules whose vendor is not available are left out.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn late_sources(&self, entries: &[Entry]) -> Result<Vec<LateSource>> {
        let (now, start) = (self.now(), self.0.opened_at);
        let sources: Vec<(&Entry, &'static str)> = entries
            .iter()
            .filter_map(|entry| Some((entry, self.source(entry.kind()).ok()?.name())))
            .collect();
        let names: Vec<&str> = sources.iter().map(|(_, name)| *name).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let completed = jobs::query::last_completed(&self.0.db, &names).await?;
        let first = jobs::query::first_started(&self.0.db, &names).await?;
        let is_late = |entry: &Entry, name: &str| {
            let first = first.get(name).copied().unwrap_or(start);
            let since = completed.get(name).copied().unwrap_or(first);
            let late = entry.late_after(since);
            late.is_some_and(|late| late <= now) && start + entry.grace(start) <= now
        };
        let late = sources
            .into_iter()
            .filter(|(entry, name)| is_late(entry, name));
        Ok(late
            .map(|(entry, source)| LateSource {
                schedule: entry.name(),
                source,
                last_completed_at: completed.get(source).copied(),
            })
            .collect())
    }

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
                // A clock that was ahead has planned it: it would not come for long.
                Some(planned) if is_too_far(entry, planned, now) => {
                    let mut tx = self.0.db.begin().await?;
                    query::replan(&mut tx, planned, after(entry, now)).await?;
                    tx.commit().await?;
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

    /// Runs schedules until [`Codex::close`]; `at_once` starts each when it begins. Goes on after a panic.
    pub async fn keep_schedule(&self, entries: Vec<Entry>, at_once: bool) {
        if at_once {
            for entry in &entries {
                let started = guarded("scheduler", self.start_planned(entry)).await;
                if let Ok(Err(error)) = started {
                    tracing::error!(error = error.chain(), "A scheduled sync could not start");
                }
            }
        }
        self.set_schedule(entries);
        keep_going("scheduler", &self.0.stop, || self.heed_schedule()).await;
    }

    /// Replaces the schedules that [`Codex::keep_schedule`] heeds, from its next look on.
    pub fn set_schedule(&self, entries: Vec<Entry>) {
        let schedule = self.0.schedule.write();
        *schedule.unwrap_or_else(PoisonError::into_inner) = entries;
    }

    async fn heed_schedule(&self) {
        loop {
            let schedule = self.0.schedule.read();
            let entries = schedule.unwrap_or_else(PoisonError::into_inner).clone();
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
        let request = Request::from(entry.kind()).by("schedule");
        match self.start_sync(&Scope::system(), request).await {
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

/// Whether a run is planned for later than any clock would plan it that is no more than a day ahead: those of two
/// hosts differ, and must not plan against each other.
fn is_too_far(entry: &Entry, planned: &Planned, now: DateTime<Utc>) -> bool {
    let next = entry.next(now + AHEAD);
    next.is_some_and(|next| planned.next_at > entry.shaken(next, 1.0))
}

/// The next time of an entry, shaken.
fn after(entry: &Entry, now: DateTime<Utc>) -> DateTime<Utc> {
    let (random, _) = Uuid::new_v4().as_u64_pair();
    let fraction = f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX);
    entry
        .next(now)
        .map_or(now + NEVER, |next| entry.shaken(next, fraction))
}
