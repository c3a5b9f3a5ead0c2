//! Fills the index for kinds of record that are searched since this version.

use crate::{
    Result,
    records::{
        Resource, SearchDef, Stored, Tracked as _,
        search_index::{FILLED, insert, place},
    },
    registry::SEARCHED,
    store::{Db, Tx},
};

/// Indexes the kinds of record that a database was filled with before they were searched: in one transaction, so
/// that a kind is there as a whole or not at all.
pub(crate) async fn fill(db: &Db) -> Result<()> {
    let mut missing = Vec::new();
    for def in SEARCHED.iter() {
        if !by_kind!(def.kind, R => is_filled::<R>(db, def.number).await?) {
            missing.push(def.kind);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for kind in missing {
        by_kind!(kind, R => fill_kind::<R>(&mut tx).await?);
    }
    tx.commit().await
}

/// Whether the first record of a kind is in the index, if there is one: a kind is filled as a whole.
async fn is_filled<R: Resource>(db: &Db, number: i64) -> Result<bool> {
    let mut q = db.query("select id from ");
    q.push(R::Fields::TABLE);
    q.push(" where deleted_at is null order by id limit 1");
    let Some(first) = q.scalar::<i64>().await? else {
        return Ok(true);
    };
    let mut q = db.query("select rowid from search_names where rowid = ");
    q.push_bind(place(number, first));
    Ok(q.scalar::<i64>().await?.is_some())
}

async fn fill_kind<R: Resource>(tx: &mut Tx) -> Result<()> {
    let Some(SearchDef { number, .. }) = R::SEARCH else {
        return Ok(());
    };
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
            .map(|row| (place(*number, row.id), R::search_text(&row.fields)));
        let texts: Vec<(i64, String)> = texts.collect();
        // Another process may fill at the same time: on SQLite it waits for this one, on PostgreSQL for a row.
        let places = texts.iter().map(|(place, _)| *place);
        let mut q = tx.query("delete from search_names where rowid in ");
        q.push_list(places);
        q.execute().await?;
        insert(tx, &texts, FILLED).await?;
    }
}
