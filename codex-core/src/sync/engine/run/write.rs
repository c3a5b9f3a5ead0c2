//! The transactions of a run: under its lease, small, with the progress so far.

use chrono::{DateTime, Utc};

use super::{GROWTH, Run};
use crate::{
    Error, RecordKind, Result, jobs,
    plural::{agree, count_of},
    records::{Author, Resource, claims::ClaimSource, writer::RecordWriter},
    store::Tx,
    sync::engine::{plan::SyncPlan, step::Step},
};

/// The most drifted rows that an error names.
const MAX_DRIFT: usize = 20;
/// Background transactions stay small, so that an interactive write waits little.
pub(crate) const MAX_ROWS: usize = 250;
/// How often a page is tried again when two transactions collided.
const TRIES: u32 = 4;

sql! {
    /// Lets the planner know what has grown: `PostgreSQL` plans look-ups of claims by what it last
    /// saw, which in a first run is an empty table, and reads all of it each time until autovacuum comes by.
    /// `SQLite` decides for itself.
    LOOK_AGAIN = {
        sqlite: "pragma optimize",
        pg: "analyze claims, companies, contacts, contact_companies, assets, asset_status, site_links, \
             tickets, ticket_details, conversations, time_entries, agents, search_names",
    };
    /// Where an incremental sync continues.
    CURSOR = "select at from sync_cursors where source = $1 and name = $2";
    /// Moves a cursor.
    SET_CURSOR = "insert into sync_cursors (source, name, at) values ($1, $2, $3) \
        on conflict (source, name) do update set at = excluded.at where sync_cursors.at <> excluded.at";
}

impl Run {
    /// Retires what the source has confirmed to be gone.
    pub async fn retire<R: Resource>(&mut self, external_ids: &[String]) -> Result<()> {
        for chunk in external_ids.chunks(MAX_ROWS) {
            self.write::<R>(Step::Retire(chunk.to_vec())).await?;
        }
        Ok(())
    }

    /// Resolves records again.
    pub(crate) async fn refresh<R: Resource>(&mut self, ids: &[i64]) -> Result<()> {
        for chunk in ids.chunks(MAX_ROWS) {
            self.write::<R>(Step::Refresh(chunk.to_vec())).await?;
        }
        Ok(())
    }

    /// Keeps records no longer that people made and the source does not have.
    pub(crate) async fn release_records<R: Resource>(&mut self, ids: &[i64]) -> Result<()> {
        for chunk in ids.chunks(MAX_ROWS) {
            self.write::<R>(Step::ReleaseRecords(chunk.to_vec()))
                .await?;
        }
        Ok(())
    }

    /// Where an incremental sync continues; `None` before the first.
    pub async fn cursor(&self, name: &str) -> Result<Option<DateTime<Utc>>> {
        let q = self.db.query(CURSOR).bind(self.source).bind(name);
        q.scalar().await
    }

    /// Moves a cursor, once everything before it is written.
    pub async fn set_cursor(&mut self, name: &str, at: DateTime<Utc>) -> Result<()> {
        let mut tx = self.begin().await?;
        let q = tx.query(SET_CURSOR).bind(self.source).bind(name);
        q.bind(at).execute().await?;
        self.end(tx).await
    }

    /// One transaction of the record writer: fence, work, progress; rolled back in a dry run.
    pub(crate) async fn write<R: Resource>(&mut self, step: Step<R>) -> Result<()> {
        let author = Author {
            reason: step.reason(),
            ..self.author()
        };
        let mut summary = None;
        for attempt in 1..=TRIES {
            let mut tx = self.begin().await?;
            let mut writer = RecordWriter {
                tx: &mut tx,
                author: &author,
                precedence: &self.precedence,
            };
            match step.take(&mut writer, self.source).await {
                Ok(done) => {
                    self.end(tx).await?;
                    summary = Some(done);
                    break;
                }
                Err(error) if attempt < TRIES && error.is_in_the_way() => tx.rollback().await?,
                Err(error) => return Err(error),
            }
        }
        if let Some(mut summary) = summary {
            self.created += summary.created;
            let changes = std::mem::take(&mut summary.changes);
            if self.dry() {
                self.plan.note(&step, changes);
            }
            self.tally::<R>(summary);
        }
        self.look_again(self.look_again_at).await
    }

    /// Lets the database look at its tables after a run that has filled them.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        self.look_again(GROWTH).await
    }

    async fn look_again(&mut self, after: u64) -> Result<()> {
        if self.created < after || self.dry() {
            return Ok(());
        }
        self.look_again_at = self.created * 4;
        let mut tx = self.begin().await?;
        tx.query(LOOK_AGAIN).execute().await?;
        self.end(tx).await?;
        self.db.renew_readers();
        Ok(())
    }

    /// Begins a transaction that only the holder of the lease can commit.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        if self.cancel.is_cancelled() {
            return Err(Error::Sync {
                message: "the run was cancelled".into(),
            });
        }
        let mut tx = self.db.begin().await?;
        if let Some(lease) = &self.lease {
            lease.check(&mut tx).await?;
        }
        Ok(tx)
    }

    /// Ends a transaction with the progress so far; a dry run discards it.
    pub(crate) async fn end(&self, mut tx: Tx) -> Result<()> {
        if self.dry() {
            return tx.rollback().await;
        }
        jobs::query::progress(&mut tx, &self.job_id, &self.report).await?;
        tx.commit().await
    }

    /// Does what a plan says, all of it or nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] naming the rows that have changed since it was made.
    pub(crate) async fn replay(&mut self, plan: &SyncPlan, origins: &[ClaimSource]) -> Result<()> {
        let author = Author {
            reason: Some(format!("a plan of {}", plan.made_at)),
            ..self.author()
        };
        self.stage("plan", Some(0));
        let mut tx = self.begin().await?;
        let mut changes = Vec::new();
        for step in &plan.steps {
            let mut writer = RecordWriter {
                tx: &mut tx,
                author: &author,
                precedence: &self.precedence,
            };
            let unknown =
                |_| Error::invalid("plan", format!("`{}` is not a kind of record", step.kind));
            let kind: RecordKind = step.kind.parse().map_err(unknown)?;
            let mut summary = by_kind!(kind, R => {
                step.step::<R>(origins)?.take(&mut writer, self.source).await?
            });
            changes.append(&mut summary.changes);
            by_kind!(kind, R => self.tally::<R>(summary));
        }
        let drifted = plan.drift(&changes);
        if !drifted.is_empty() {
            tx.rollback().await?;
            self.report.counts.clear();
            let shown: Vec<_> = drifted.iter().take(MAX_DRIFT).map(String::as_str).collect();
            let (shown, count) = (shown.join("; "), drifted.len());
            let (rows, have) = (count_of(count, "row"), agree(count, "has", "have"));
            let message = format!("nothing was written, {rows} {have} drifted: {shown}");
            return Err(Error::conflict(message));
        }
        self.stage("done", Some(100));
        self.end(tx).await
    }
}
