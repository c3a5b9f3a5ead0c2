//! Rows of any kind of record: reserve ids, lock, ask which are live, bump the revision.

use std::collections::{BTreeSet, HashMap};

use super::{Author, MAX_BINDS, Resource, Stored, Tracked, writer::RecordWriter};
use crate::{Result, store::Tx};

impl RecordWriter<'_> {
    /// Locks the rows of `ids` and reads them: an edit that commits meanwhile must not be lost.
    pub(crate) async fn lock<R: Resource>(
        &mut self,
        ids: &[i64],
    ) -> Result<HashMap<i64, Stored<R::Fields>>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut q = self.tx.query(R::Fields::SELECT);
        q.push(" where id in ")
            .push_list(ids.iter().copied())
            .push(" order by id")
            .for_update();
        let rows = q.all::<Stored<R::Fields>>().await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    /// Reserves the row ids of `count` new records.
    pub(super) async fn reserve<R: Resource>(&mut self, count: usize) -> Result<Vec<i64>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.tx.query(R::RESERVE).bind(count).scalars().await
    }
}

/// Which of these records are live.
pub(crate) async fn live<R: Resource>(
    tx: &mut Tx,
    ids: impl Iterator<Item = i64>,
) -> Result<BTreeSet<i64>> {
    let ids: BTreeSet<i64> = ids.collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut live = BTreeSet::new();
    for chunk in ids.chunks(MAX_BINDS) {
        let mut q = tx.query("select id from ");
        q.push(R::Fields::TABLE)
            .push(" where deleted_at is null and id in ");
        q.push_list(chunk.iter().copied());
        live.extend(q.scalars::<i64>().await?);
    }
    Ok(live)
}

/// Gives records a new revision although none of their fields has changed: something that belongs to them has.
pub(crate) async fn bump_revision<R: Resource>(
    tx: &mut Tx,
    author: &Author,
    ids: impl Iterator<Item = i64>,
) -> Result<()> {
    let ids: BTreeSet<i64> = ids.collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    for chunk in ids.chunks(MAX_BINDS) {
        let mut q = tx.query("update ");
        q.push(R::Fields::TABLE)
            .push(" set updated_at = ")
            .push_bind(author.at);
        q.push(" where id in ").push_list(chunk.iter().copied());
        q.execute().await?;
    }
    Ok(())
}
