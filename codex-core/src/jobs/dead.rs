//! Jobs whose process is gone: it was killed, or could not write how they ended.

use std::{
    collections::{BTreeSet, HashMap},
    sync::PoisonError,
};

use tokio::time::Instant;

use crate::{
    Result,
    codex::Codex,
    jobs::query,
    panics::keep_going,
    sync::engine::lease::{Beat, Lease},
};

/// What is seen of a source with jobs that have not ended. It changes while their process lives.
#[derive(Debug, PartialEq, Eq)]
struct Sign {
    /// `None` when no run of the source has had a lease yet.
    beat: Option<Beat>,
    jobs: BTreeSet<String>,
}

/// What was last seen of each source, and since when.
struct Watched {
    signs: HashMap<String, (Sign, Instant)>,
    /// When it was last looked.
    looked: Instant,
}

impl Watched {
    fn new() -> Self {
        Self {
            signs: HashMap::new(),
            looked: Instant::now(),
        }
    }
}

impl Codex {
    /// Ends jobs whose process has shown no sign of life for twice the time of a lease, until [`Codex::close`]. Without
    /// this, they end when the next run of their source begins.
    pub async fn end_dead_jobs(&self) {
        keep_going("dead jobs", &self.0.stop, || self.watch_jobs()).await;
    }

    async fn watch_jobs(&self) {
        let mut watched = Watched::new();
        loop {
            if let Err(error) = self.look_at_jobs(&mut watched).await {
                let error = error.chain();
                tracing::warn!(error, "Jobs without an end could not be looked after");
                // A database that is away or full lets nobody show a sign of life.
                watched.signs.clear();
            }
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                () = tokio::time::sleep(self.0.lease / 2) => {}
            }
        }
    }

    async fn look_at_jobs(&self, watched: &mut Watched) -> Result<()> {
        // Who stood still, perhaps with every process beside it, has not seen whether they live.
        if watched.looked.elapsed() >= self.0.lease * 3 / 2 {
            watched.signs.clear();
        }
        watched.looked = Instant::now();
        let mut open: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (source, job) in query::open(&self.0.db).await? {
            open.entry(source).or_default().insert(job);
        }
        {
            // What runs here is alive, and ends what is not.
            let running = self.0.running.lock();
            let running = running.unwrap_or_else(PoisonError::into_inner);
            open.retain(|source, _| !running.contains_key(source.as_str()));
        }
        let signs = &mut watched.signs;
        signs.retain(|source, _| open.contains_key(source));
        if open.is_empty() {
            return Ok(());
        }
        let beats = Lease::beats(&self.0.db).await?;
        for (source, jobs) in open {
            let beat = beats.get(&source).copied();
            let sign = Sign { beat, jobs };
            match signs.get(&source) {
                Some((before, since)) if *before == sign => {
                    // Whoever waits for the lease of a dead run has taken it after half of this.
                    if since.elapsed() >= self.0.lease * 2 {
                        self.end_jobs(&source, &sign).await?;
                        signs.remove(&source);
                    }
                }
                _ => {
                    signs.insert(source, (sign, Instant::now()));
                }
            }
        }
        Ok(())
    }

    async fn end_jobs(&self, source: &str, sign: &Sign) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        if !Lease::revoke(&mut tx, source, sign.beat).await? {
            return tx.rollback().await;
        }
        let jobs = sign.jobs.iter().map(String::as_str);
        let ended = query::abandon(&mut tx, jobs, self.now()).await?;
        tx.commit().await?;
        tracing::warn!(
            source,
            ended,
            "Ended jobs of `{source}` whose process is gone"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::jobs::{Job, JobReport, JobStatus};

    async fn go_by(seconds: u64) {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
    }

    #[tokio::test]
    async fn suspended_process_ends_no_job_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let codex = Codex::open(file.to_str().unwrap()).await.unwrap();
        let job = Job {
            id: "1".into(),
            script: "psa".into(),
            provider: Some("freshservice".into()),
            sync_type: None,
            status: JobStatus::Running,
            started_at: codex.now(),
            completed_at: None,
            output: None,
            error: None,
            success: None,
            report: JobReport::default(),
            started_by: None,
        };
        let mut tx = codex.0.db.begin().await.unwrap();
        query::insert(&mut tx, &job).await.unwrap();
        tx.commit().await.unwrap();
        let open = async || query::open(&codex.0.db).await.unwrap().len();
        let mut watched = Watched::new();
        codex.look_at_jobs(&mut watched).await.unwrap();
        go_by(600).await;
        codex.look_at_jobs(&mut watched).await.unwrap();
        assert_eq!(open().await, 1, "its process may have stood still as well");
        for _ in 0..5 {
            go_by(15).await;
            codex.look_at_jobs(&mut watched).await.unwrap();
        }
        assert_eq!(open().await, 0, "a minute without a sign of life");
    }
}
