//! One run per source across processes: a fenced lease.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::{
    Error, Result,
    clock::Clock,
    jobs,
    store::{Db, Tx},
};

sql! {
    /// The lease of a source.
    READ = "select fence, beat, job_id from sync_leases where source = $1";
    /// The first lease of a source.
    FIRST = "insert into sync_leases (source, fence, beat, job_id) values ($1, 1, 0, $2) \
        on conflict (source) do nothing";
    /// Takes a lease that has not moved since it was read.
    TAKE = "update sync_leases set fence = fence + 1, beat = beat + 1, job_id = $4 \
        where source = $1 and fence = $2 and beat = $3";
    /// Shows that the holder lives, and that it is still the holder.
    BEAT = "update sync_leases set beat = beat + 1 where source = $1 and fence = $2";
    /// Every lease.
    BEATS = "select source, fence, beat from sync_leases";
    /// Revokes a lease whose counter has not moved since it was read; nobody holds it afterwards.
    REVOKE = "update sync_leases set fence = fence + 1, beat = beat + 1, job_id = null \
        where source = $1 and fence = $2 and beat = $3";
    /// The first lease of a source, for nobody.
    VACANT = "insert into sync_leases (source, fence, beat) values ($1, 1, 0) on conflict (source) do nothing";
    /// Gives the lease back.
    RELEASE = "update sync_leases set job_id = null where source = $1 and fence = $2";
}

/// Fence and beat of a lease: they stand still when its holder is dead.
pub(crate) type Beat = (i64, i64);

/// The right to write what a source says.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    source: &'static str,
    fence: i64,
}

impl Lease {
    /// Takes the lease of `source` for `job`.
    ///
    /// A holder whose counter does not move for `wait_timeout` is taken for dead and its job failed; only
    /// our own clock is used, no two hosts' clocks are compared.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another run is alive.
    pub async fn take(
        db: &Db,
        clock: &dyn Clock,
        source: &'static str,
        job: &str,
        wait_timeout: Duration,
    ) -> Result<Self> {
        let mut watched: Option<(i64, i64, Instant)> = None;
        let mut looked = Instant::now();
        loop {
            let row: Option<(i64, i64, Option<String>)> =
                db.query(READ).bind(source).optional().await?;
            // Who stood still, perhaps with the holder beside it, has not seen whether that lives.
            let has_stood_still = looked.elapsed() >= wait_timeout * 3 / 4;
            looked = Instant::now();
            let Some((fence, beat, holder)) = row else {
                let mut tx = db.begin().await?;
                if tx.query(FIRST).bind(source).bind(job).execute().await? == 1 {
                    return Self { source, fence: 1 }.begin_job(tx, clock, job).await;
                }
                tx.rollback().await?;
                continue;
            };
            let moved = watched.filter(|(f, b, _)| (*f, *b) != (fence, beat));
            if let (Some(_), Some(job)) = (moved, &holder) {
                return Err(Error::conflict(format!(
                    "another run of {source} is at work (job {job})"
                )));
            }
            let since = match watched {
                Some((.., since)) if moved.is_none() && !has_stood_still => since,
                _ => Instant::now(),
            };
            watched = Some((fence, beat, since));
            if holder.is_none() || since.elapsed() >= wait_timeout {
                let mut tx = db.begin().await?;
                let taken = tx
                    .query(TAKE)
                    .bind(source)
                    .bind(fence)
                    .bind(beat)
                    .bind(job)
                    .execute()
                    .await?;
                if taken == 1 {
                    let fence = fence + 1;
                    return Self { source, fence }.begin_job(tx, clock, job).await;
                }
                tx.rollback().await?;
                continue;
            }
            tokio::time::sleep(wait_timeout / 10).await;
        }
    }

    /// Ends the jobs of dead runs and keeps the lease, unless our own job was taken for one of them while it
    /// waited.
    async fn begin_job(self, mut tx: Tx, clock: &dyn Clock, job: &str) -> Result<Self> {
        jobs::query::abandon_others(&mut tx, self.source, job, clock.now()).await?;
        if !jobs::query::is_open(&mut tx, job).await? {
            tx.rollback().await?;
            return Err(Error::conflict(format!(
                "another run of {} came first",
                self.source
            )));
        }
        jobs::query::begin(&mut tx, job).await?;
        tx.commit().await?;
        Ok(self)
    }

    /// Proves inside a transaction that the lease is still ours.
    ///
    /// # Errors
    /// [`Error::Sync`] when another process has taken it: nothing may be written any more.
    pub async fn check(&self, tx: &mut Tx) -> Result<()> {
        match tx
            .query(BEAT)
            .bind(self.source)
            .bind(self.fence)
            .execute()
            .await?
        {
            1 => Ok(()),
            _ => Err(Error::Sync {
                message: format!("another process has taken over the sync of {}", self.source),
            }),
        }
    }

    /// Shows a sign of life.
    pub async fn beat(&self, db: &Db) -> Result<()> {
        let mut tx = db.begin().await?;
        self.check(&mut tx).await?;
        tx.commit().await
    }

    /// The beats of all leases by source.
    pub async fn beats(db: &Db) -> Result<HashMap<String, Beat>> {
        let all: Vec<(String, i64, i64)> = db.query(BEATS).all().await?;
        let beats = all.into_iter();
        Ok(beats
            .map(|(source, fence, beat)| (source, (fence, beat)))
            .collect())
    }

    /// Takes the lease of a source from a holder that has not moved since `beat` was read, `None` where there was no
    /// lease; tells whether it still had not. Whoever held it can write nothing more.
    pub async fn revoke(tx: &mut Tx, source: &str, beat: Option<Beat>) -> Result<bool> {
        let q = match beat {
            Some((fence, beat)) => tx.query(REVOKE).bind(source).bind(fence).bind(beat),
            None => tx.query(VACANT).bind(source),
        };
        Ok(q.execute().await? == 1)
    }

    /// Gives the lease back.
    pub async fn release(&self, tx: &mut Tx) -> Result<()> {
        tx.query(RELEASE)
            .bind(self.source)
            .bind(self.fence)
            .execute()
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::SystemClock,
        jobs::{Job, JobReport, JobStatus},
    };

    async fn queue(db: &Db, id: &str) {
        let job = Job {
            id: id.to_owned(),
            script: "psa".into(),
            provider: Some("x".into()),
            sync_type: None,
            status: JobStatus::Queued,
            started_at: SystemClock.now(),
            completed_at: None,
            output: None,
            error: None,
            success: None,
            report: JobReport::default(),
            started_by: None,
        };
        let mut tx = db.begin().await.unwrap();
        jobs::query::insert(&mut tx, &job).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn suspended_process_takes_no_lease_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let db = Db::open(file.to_str().unwrap()).await.unwrap();
        db.migrate().await.unwrap();
        queue(&db, "1").await;
        let wait_timeout = Duration::from_secs(5);
        let holder = Lease::take(&db, &SystemClock, "x", "1", wait_timeout);
        let holder = holder.await.unwrap();
        queue(&db, "2").await;
        let waiting = tokio::spawn({
            let db = db.clone();
            async move { Lease::take(&db, &SystemClock, "x", "2", wait_timeout).await }
        });
        let moment = || tokio::time::sleep(Duration::from_millis(300));
        moment().await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(600)).await;
        tokio::time::resume();
        moment().await;
        holder.beat(&db).await.unwrap();
        let ended = waiting.await.unwrap();
        assert!(matches!(ended, Err(Error::Conflict { .. })), "{ended:?}");
    }
}
