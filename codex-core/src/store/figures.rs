//! Figures that are kept until one of the tables that they were made of changes.
//!
//! Whoever asks while figures are being made waits for them: they are never made twice at once for the same key.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex as StdMutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::{Db, Reads, Revisions, noting_reads};
use crate::Result;

/// How many figures of one kind are kept: all staff share one, and client users have one for each set of
/// companies. Each has a few kilobytes.
const MOST: usize = 128;
/// How long figures are kept at most: what is overdue changes with time and not with a table.
const LONGEST: TimeDelta = TimeDelta::seconds(60);

/// Figures of one kind by what they are of, the one that was last asked for at the end.
#[derive(Debug)]
pub(crate) struct Figures<K, V>(StdMutex<VecDeque<(K, Arc<Slot<V>>)>>);

/// Locked while its figures are made.
type Slot<V> = Mutex<Option<Dated<V>>>;

#[derive(Debug)]
struct Dated<V> {
    value: Arc<V>,
    made_at: DateTime<Utc>,
    /// The tables that it was made of, as they were before it was made.
    reads: Reads,
    revisions: Revisions,
}

impl<V> Dated<V> {
    fn holds(&self, revisions: &Revisions, now: DateTime<Utc>) -> bool {
        let age = now - self.made_at;
        age >= TimeDelta::zero() && age < LONGEST && self.revisions.same(revisions, &self.reads)
    }
}

impl<K, V> Default for Figures<K, V> {
    fn default() -> Self {
        Self(StdMutex::default())
    }
}

impl<K: PartialEq, V> Figures<K, V> {
    /// The figures of a key: those that are kept if no table has changed since, by `revisions` of now; otherwise what
    /// `make` makes. A [`noting_reads`] around this does not note their tables: it notes that revisions were read, by
    /// which its answer is not kept.
    ///
    /// # Errors
    /// Those of `make`, and [`crate::Error::Db`].
    pub async fn get(
        &self,
        db: &Db,
        key: K,
        (revisions, now): (&Revisions, DateTime<Utc>),
        make: impl Future<Output = Result<V>>,
    ) -> Result<Arc<V>> {
        let slot = self.slot(key);
        let mut kept = slot.lock().await;
        if let Some(dated) = kept.as_ref().filter(|dated| dated.holds(revisions, now)) {
            return Ok(dated.value.clone());
        }
        // Read again: somebody may have made them while this caller waited, after a later change. Before anything is
        // read for them: what is committed meanwhile makes them figures of before.
        let revisions = db.revisions().await?;
        if let Some(dated) = kept.as_ref().filter(|dated| dated.holds(&revisions, now)) {
            return Ok(dated.value.clone());
        }
        let (made, reads) = noting_reads(make).await;
        let value = Arc::new(made?);
        *kept = reads.are_counted().then(|| Dated {
            value: value.clone(),
            made_at: now,
            reads,
            revisions,
        });
        Ok(value)
    }

    /// The place of a key, which is now the last to be given up.
    fn slot(&self, key: K) -> Arc<Slot<V>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = slots.iter().position(|(known, _)| *known == key);
        let (key, slot) = known
            .and_then(|place| slots.remove(place))
            .unwrap_or_else(|| (key, Arc::default()));
        if slots.len() >= MOST {
            slots.pop_front();
        }
        slots.push_back((key, slot.clone()));
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn database() -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let db = Db::open(file.to_str().unwrap()).await.unwrap();
        db.migrate().await.unwrap();
        (folder, db)
    }

    async fn count(db: &Db) -> Result<i64> {
        let count = db.query("select count(*) from write_probe").scalar();
        Ok(count.await?.unwrap_or_default())
    }

    async fn write(db: &Db, sql: &'static str) {
        let mut tx = db.begin().await.unwrap();
        tx.query(sql).execute().await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn figures_are_made_again_when_their_table_changes() {
        let (_folder, db) = database().await;
        let figures = Figures::<u8, i64>::default();
        let now = DateTime::UNIX_EPOCH;
        let get = async |now| {
            let revisions = db.revisions().await.unwrap();
            *figures
                .get(&db, 1, (&revisions, now), count(&db))
                .await
                .unwrap()
        };
        assert_eq!(get(now).await, 0);
        write(&db, "insert into write_probe (filler) values ('a')").await;
        assert_eq!(get(now).await, 1);
        // Another table is none of it: only revisions are read.
        write(
            &db,
            "insert into search_names (rowid, text) values (17, 'a')",
        )
        .await;
        let before = db.statements();
        assert_eq!(get(now).await, 1);
        assert_eq!(db.statements() - before, 1);
        assert_eq!(get(now + LONGEST).await, 1);
        assert!(db.statements() - before > 2, "figures do not grow old");
    }

    #[tokio::test]
    async fn few_figures_are_kept() {
        let figures = Figures::<usize, i64>::default();
        for key in 0..3 * MOST {
            figures.slot(key);
            figures.slot(0);
        }
        let slots = figures.0.lock().unwrap();
        assert_eq!(slots.len(), MOST);
        assert!(
            slots.iter().any(|(key, _)| *key == 0),
            "what is in use is given up"
        );
    }
}
