//! Maintains the search index: the search entry of a record is written with its row, in the same transaction.

use std::collections::HashMap;

use super::{Draft, Resource, Stored};
use crate::{
    Access, RecordKind, Result,
    fold::SearchKey,
    store::{Sql, Tx},
};

/// How the records of a kind are searched. Each resource declares its own in its `query.rs`.
#[derive(Debug)]
pub struct SearchDef {
    /// Number of the kind in the index, 1 to 15. It is stored, so no other kind may ever get it.
    pub number: i64,
    /// The kind.
    pub kind: RecordKind,
    /// Who may find its records.
    pub access: Access,
    /// The select of what a hit shows: id, key, title, detail, company, number, company_name of a record `r`. The list
    /// of ids follows each part.
    pub select: &'static [&'static str],
    /// The tables and the condition of the live records `r` of companies; ends before the list of companies. `None` for
    /// a kind that clients do not find.
    pub of_companies: Option<&'static str>,
    /// The list whose paths lead to a record; `None` for a kind without paths of its own.
    pub path: Option<&'static str>,
}

macro_rules! stride {
    () => {
        16
    };
}
/// Ids of the index in one id of a record.
pub(crate) const STRIDE: i64 = stride!();
/// The number of the kind, of an entry of the index.
pub(crate) const KIND_NUMBER: &str = concat!("rowid % ", stride!());
/// The id of the record, of an entry of the index.
pub(crate) const RECORD_ID: &str = concat!("rowid / ", stride!());
/// The id in the index of a record `r`; ends before the number of its kind.
pub(crate) const PLACE: &str = concat!("r.id * ", stride!(), " + ");

/// The id in the index of a record of a kind with a number.
pub(crate) const fn place(number: i64, record: i64) -> i64 {
    record * STRIDE + number
}
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
    let Some(SearchDef { number, .. }) = R::SEARCH else {
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
        let place = place(*number, draft.id);
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

/// An entry that another process has written meanwhile is the same. Full-text tables of `SQLite` do not support this
/// clause, and with a single writer it is not needed.
pub(crate) const FILLED: Sql = Sql::Per {
    sqlite: "",
    pg: " on conflict (rowid) do nothing",
};

/// Writes entries; `end` ends the statement.
pub(crate) async fn insert(tx: &mut Tx, texts: &[(i64, String)], end: Sql) -> Result<()> {
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
    let Some(SearchDef { number, .. }) = R::SEARCH else {
        return Ok(());
    };
    let live = rows.iter().filter(|row| row.deleted_at.is_none());
    let fresh = live.map(|row| (place(*number, row.id), R::search_text(&row.fields)));
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
