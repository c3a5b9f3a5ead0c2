//! Keeps what records are found by.

use std::collections::HashMap;

use super::KINDS;
use crate::{
    Result,
    fold::SearchKey,
    records::{Draft, Resource, Stored, Tracked, by_kind},
    store::{Db, Sql, Tx},
};

/// Ids of the index in one id of a record.
pub(crate) const STRIDE: i64 = 16;
/// The longest text that a record is found by, in characters.
const LONGEST: usize = 2_000;
/// Rows that are written at once.
const CHUNK: usize = 500;

/// Folds parts into one text, a part a line.
pub(crate) fn text<'p>(parts: impl IntoIterator<Item = Option<&'p str>>) -> String {
    let parts = parts.into_iter().flatten().map(SearchKey::new);
    let parts: Vec<SearchKey> = parts.filter(|part| !part.is_empty()).collect();
    let parts: Vec<&str> = parts.iter().map(SearchKey::as_str).collect();
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
        let before = live.map(|row| R::search_text(&row.fields));
        let after = draft.alive.then(|| R::search_text(&draft.fields));
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
    insert(tx, &new, Sql::Same("")).await
}

/// What another process has filled meanwhile is the same. Full-text tables of `SQLite` know no such clause, and
/// its single writer needs none.
const FILLED: Sql = Sql::Per {
    sqlite: "",
    pg: " on conflict (rowid) do nothing",
};

async fn insert(tx: &mut Tx, texts: &[(i64, String)], end: Sql) -> Result<()> {
    for chunk in texts.chunks(CHUNK) {
        let mut q = tx.query("insert into search_names (rowid, text) ");
        q.push_rows(chunk, |row, (place, text)| {
            row.bind(*place).bind(text.as_str());
        });
        q.push_sql(end);
        q.execute().await?;
    }
    Ok(())
}

/// Computes the texts of records again, where their kind is searched; writes those that differ.
pub(crate) async fn refresh<R: Resource>(tx: &mut Tx, rows: &[Stored<R::Fields>]) -> Result<()> {
    let Some(kind) = number(R::KIND) else {
        return Ok(());
    };
    let live = rows.iter().filter(|row| row.deleted_at.is_none());
    let fresh = live.map(|row| (row.id * STRIDE + kind, R::search_text(&row.fields)));
    let mut fresh: HashMap<i64, String> = fresh.collect();
    let mut q = tx.query("select rowid, text from search_names where rowid in ");
    q.push_list(fresh.keys().copied());
    for (place, text) in q.all::<(i64, String)>().await? {
        if fresh.get(&place) == Some(&text) {
            fresh.remove(&place);
        }
    }
    if fresh.is_empty() {
        return Ok(());
    }
    let mut q = tx.query("delete from search_names where rowid in ");
    q.push_list(fresh.keys().copied());
    q.execute().await?;
    let fresh: Vec<(i64, String)> = fresh.into_iter().collect();
    insert(tx, &fresh, FILLED).await
}

/// The number of a kind in the index.
pub(crate) fn number(kind: &str) -> Option<i64> {
    let known = KINDS.iter().find(|(_, name)| *name == kind);
    known.map(|(number, _)| *number)
}

/// Indexes the kinds of record that a database was filled with before they were searched: in one transaction, so
/// that a kind is there as a whole or not at all.
pub(crate) async fn fill(db: &Db) -> Result<()> {
    let mut missing = Vec::new();
    for (number, kind) in KINDS {
        let filled = by_kind!(kind, R => is_filled::<R>(db, number).await);
        if !filled.transpose()?.unwrap_or(true) {
            missing.push(kind);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for kind in missing {
        if let Some(filled) = by_kind!(kind, R => fill_kind::<R>(&mut tx).await) {
            filled?;
        }
    }
    tx.commit().await
}

/// Whether the first record of a kind is in the index, if there is one: a kind is filled as a whole.
async fn is_filled<R: Resource>(db: &Db, kind: i64) -> Result<bool> {
    let mut q = db.query("select id from ");
    q.push(R::Fields::TABLE);
    q.push(" where deleted_at is null order by id limit 1");
    let Some(first) = q.scalar::<i64>().await? else {
        return Ok(true);
    };
    let mut q = db.query("select rowid from search_names where rowid = ");
    q.push_bind(first * STRIDE + kind);
    Ok(q.scalar::<i64>().await?.is_some())
}

async fn fill_kind<R: Resource>(tx: &mut Tx) -> Result<()> {
    let kind = number(R::KIND).unwrap_or_default();
    let mut after = 0;
    loop {
        let mut q = tx.query(R::Fields::SELECT);
        q.push(" where deleted_at is null and id > ")
            .push_bind(after);
        q.push(" order by id limit 500");
        let rows = q.all::<Stored<R::Fields>>().await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.id;
        let texts = rows
            .iter()
            .map(|row| (row.id * STRIDE + kind, R::search_text(&row.fields)));
        let texts: Vec<(i64, String)> = texts.collect();
        // Another process may fill at the same time: on SQLite it waits for this one, on PostgreSQL for a row.
        let places = texts.iter().map(|(place, _)| *place);
        let mut q = tx.query("delete from search_names where rowid in ");
        q.push_list(places);
        q.execute().await?;
        insert(tx, &texts, FILLED).await?;
    }
}
