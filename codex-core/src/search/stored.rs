//! Stored keys and words follow the rules of [`crate::fold`]: when those change, what is stored is computed again, once.

use crate::{
    RecordKind, Result,
    fold::{SearchKey, words},
    records::{MAX_BINDS, Resource, Stored, Tracked as _, search_index},
    store::{Db, Sql, Tx},
};

/// Raise it whenever a text gets another key or other words than before.
const VERSION: i64 = 2;
/// Rows of one transaction: others write meanwhile.
const CHUNK: i64 = 500;

sql! {
    /// The rules that what is stored was computed by.
    RULES = "select version from key_rules where id = 1";
    /// What is stored was computed by these.
    FOLLOWED = "update key_rules set version = $1 where id = 1 and version < $1";
    /// Names of programs.
    TITLES = "select id, name as text, name_fold as stored from software_titles where id > $1 order by id limit $2";
    /// What was said on tickets.
    SAID = "select id, body as text, words as stored from conversations where id > $1 order by id limit $2";
    /// What tickets are about.
    ABOUT = "select ticket_id as id, description_text as text, words as stored from ticket_details \
        where ticket_id > $1 order by ticket_id limit $2";
}

/// A computed column of a table that holds no records.
struct Column {
    rows: Sql,
    /// After the new values.
    update: &'static str,
    compute: fn(&str) -> String,
}

const COLUMNS: [Column; 3] = [
    Column {
        rows: TITLES,
        update: ") update software_titles set name_fold = fresh.value from fresh where software_titles.id = fresh.id",
        compute: |text| SearchKey::new(text).to_string(),
    },
    Column {
        rows: SAID,
        update: ") update conversations set words = fresh.value from fresh where conversations.id = fresh.id",
        compute: words,
    },
    Column {
        rows: ABOUT,
        update: ") update ticket_details set words = fresh.value from fresh \
            where ticket_details.ticket_id = fresh.id",
        compute: words,
    },
];

/// What is stored beside the text that it is computed of.
#[derive(Debug, sqlx::FromRow)]
struct Computed {
    id: i64,
    text: Option<String>,
    stored: Option<String>,
}

/// Computes stored keys and words again where they were computed by older rules: a few hundred rows a transaction,
/// only rows that differ are written. A process that ends before it is done begins anew.
pub(crate) async fn refresh(db: &Db) -> Result<()> {
    let followed: Option<i64> = db.query(RULES).scalar().await?;
    if followed >= Some(VERSION) {
        return Ok(());
    }
    for kind in RecordKind::ALL {
        by_kind!(kind, R => refresh_kind::<R>(db).await?);
    }
    for column in &COLUMNS {
        refresh_column(db, column).await?;
    }
    let mut tx = db.begin().await?;
    tx.query(FOLLOWED).bind(VERSION).execute().await?;
    tx.commit().await
}

async fn refresh_kind<R: Resource>(db: &Db) -> Result<()> {
    let mut after = 0;
    loop {
        let mut tx = db.begin().await?;
        let mut q = tx.query(R::Fields::SELECT);
        q.push(" where id > ").push_bind(after);
        q.push(" order by id limit ").push_bind(CHUNK).for_update();
        let rows = q.all::<Stored<R::Fields>>().await?;
        let Some(last) = rows.last() else {
            return tx.rollback().await;
        };
        after = last.id;
        write_keys::<R>(&mut tx, &rows).await?;
        search_index::refresh::<R>(&mut tx, &rows).await?;
        tx.commit().await?;
    }
}

async fn write_keys<R: Resource>(tx: &mut Tx, rows: &[Stored<R::Fields>]) -> Result<()> {
    let changed = rows.iter().filter_map(|row| {
        let mut fields = row.fields.clone();
        R::keys(&mut fields);
        (fields != row.fields).then_some((row, fields))
    });
    let changed: Vec<_> = changed.collect();
    for chunk in changed.chunks(MAX_BINDS / R::Fields::COLUMNS) {
        let mut q = tx.query(R::Fields::INSERT);
        q.push_upsert_rows(
            chunk,
            |(row, _)| row.id,
            |values, (row, fields)| {
                values.bind(row.id).bind(row.created_at);
                values.bind(row.updated_at).bind(row.deleted_at);
                fields.bind(values);
            },
        );
        q.push(R::Fields::ON_CONFLICT);
        q.execute().await?;
    }
    Ok(())
}

async fn refresh_column(db: &Db, column: &Column) -> Result<()> {
    let mut after = 0;
    loop {
        let mut tx = db.begin().await?;
        let mut q = tx.query(column.rows).bind(after).bind(CHUNK);
        q.for_update();
        let rows: Vec<Computed> = q.all().await?;
        let Some(last) = rows.last() else {
            return tx.rollback().await;
        };
        after = last.id;
        let fresh = rows.into_iter().filter_map(|row| {
            let value = row.text.as_deref().map(column.compute);
            (value != row.stored).then_some((row.id, value))
        });
        let fresh: Vec<(i64, Option<String>)> = fresh.collect();
        if !fresh.is_empty() {
            let mut q = tx.query("with fresh (id, value) as (");
            q.push_rows(&fresh, |row, (id, value)| {
                row.bind(*id).bind_text(value.as_deref());
            });
            q.push(column.update);
            q.execute().await?;
        }
        tx.commit().await?;
    }
}
