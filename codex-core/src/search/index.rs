//! Keeps what records are found by.

use super::KINDS;
use crate::{
    Result,
    changes::{Draft, Resource, Stored, Tracked, by_kind},
    fold::fold,
    store::{Db, Tx},
};

/// Ids of the index in one id of a record.
pub(crate) const STRIDE: i64 = 16;
/// The longest text that a record is found by, in characters.
const LONGEST: usize = 2_000;
/// Rows that are written at once.
const CHUNK: usize = 500;

/// Folds parts into one text, a part a line.
pub(crate) fn text<'p>(parts: impl IntoIterator<Item = Option<&'p str>>) -> String {
    let parts = parts.into_iter().flatten().map(fold);
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("\n").chars().take(LONGEST).collect()
}

/// Follows a page of changes in at most two statements; writes nothing where the texts stay.
pub(crate) async fn follow<R: Resource>(tx: &mut Tx, written: &[Draft<R>]) -> Result<()> {
    let Some(kind) = number(R::KIND) else {
        return Ok(());
    };
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for draft in written {
        let live = draft.before.as_ref().filter(|row| row.deleted_at.is_none());
        let before = live.map(|row| R::found_by(&row.fields));
        let after = draft.alive.then(|| R::found_by(&draft.fields));
        if before == after {
            continue;
        }
        let place = draft.id * STRIDE + kind;
        gone.extend(before.map(|_| place));
        new.extend(after.map(|text| (place, text)));
    }
    if !gone.is_empty() {
        let mut q = tx.query("delete from search_names where rowid in ");
        q.push_list(gone);
        q.execute().await?;
    }
    add(tx, &new).await
}

async fn add(tx: &mut Tx, texts: &[(i64, String)]) -> Result<()> {
    for chunk in texts.chunks(CHUNK) {
        let mut q = tx.query("insert into search_names (rowid, text) ");
        q.push_rows(chunk, |row, (place, text)| {
            row.bind(*place).bind(text.as_str());
        });
        q.execute().await?;
    }
    Ok(())
}

/// The number of a kind in the index.
pub(crate) fn number(kind: &str) -> Option<i64> {
    let known = KINDS.iter().find(|(_, name)| *name == kind);
    known.map(|(number, _)| *number)
}

/// Makes the index of a database that was filled before there was one.
pub(crate) async fn fill(db: &Db) -> Result<()> {
    let first: Option<i64> = db
        .query("select rowid from search_names limit 1")
        .scalar()
        .await?;
    if first.is_some() {
        return Ok(());
    }
    for (_, kind) in KINDS {
        if let Some(filled) = by_kind!(kind, R => fill_kind::<R>(db).await) {
            filled?;
        }
    }
    Ok(())
}

async fn fill_kind<R: Resource>(db: &Db) -> Result<()> {
    let kind = number(R::KIND).unwrap_or_default();
    let mut after = 0;
    loop {
        let mut q = db.query(R::Fields::SELECT);
        q.push(" where deleted_at is null and id > ")
            .push_bind(after);
        q.push(" order by id limit 500");
        let rows = q.all::<Stored<R::Fields>>().await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.id;
        let texts: Vec<(i64, String)> = rows
            .iter()
            .map(|row| (row.id * STRIDE + kind, R::found_by(&row.fields)))
            .collect();
        let mut tx = db.begin().await?;
        // Another process may fill at the same time.
        let mut q = tx.query("delete from search_names where rowid in ");
        q.push_list(texts.iter().map(|(place, _)| *place));
        q.execute().await?;
        add(&mut tx, &texts).await?;
        tx.commit().await?;
    }
}
