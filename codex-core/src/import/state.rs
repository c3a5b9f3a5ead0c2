//! The progress of an import: one row for the import, one for each table.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::{
    report::{ImportReport, TableReport},
    tables::Table,
    verify::Comparison,
};
use crate::{
    Error, Result,
    store::{Db, Tx, snapshot::Key},
};

sql! {
    /// The import of this database.
    FIND = "select id, source, layout, time_zone, accepted, state, started_at, finished_at, compared_at, \
        comparison, change_id from imports order by started_at desc limit 1";
    /// An import begins.
    BEGIN = "insert into imports (id, source, layout, time_zone, accepted, state, started_at) \
        values ($1, $2, $3, $4, $5, $6, $7)";
    /// A table is still to be imported.
    ADD_TABLE = "insert into import_tables (name, after, done, report) values ($1, $2, $3, $4)";
    /// The tables with their progress.
    TABLES = "select name, after, done, report from import_tables";
    /// An import is withdrawn before it has written anything.
    WITHDRAW = "delete from imports where id = $1";
    /// So are its tables.
    WITHDRAW_TABLES = "delete from import_tables";
    /// A page of a table is written; nothing happens when another process has written it.
    ADVANCE = "update import_tables set after = $2, done = $3, report = $4 \
        where name = $1 and not done and after is not distinct from $5";
    /// A table is imported once more.
    REDO = "update import_tables set after = null, done = $2, report = $3 where name = $1";
    /// All tables are imported, or some are again: what was written here since the first time stays known.
    SET_STATE = "update imports set state = $2, finished_at = coalesce(finished_at, $3), \
        change_id = coalesce(change_id, $4) where id = $1";
    /// The two sides were compared.
    SET_COMPARISON = "update imports set state = $2, compared_at = $3, comparison = $4 where id = $1";
    /// The newest entry of the change log.
    NEWEST_CHANGE = "select coalesce(max(id), 0) from change_log";
    /// Ids up to here are never given again.
    FLOOR = "insert into id_floors (table_name, id) values ($1, $2) on conflict (table_name) \
        do update set id = excluded.id where id_floors.id < excluded.id";
    /// Counts the rows that a new database does not have.
    USED = "select (select count(*) from companies) + (select count(*) from contacts) \
        + (select count(*) from assets) + (select count(*) from tickets) + (select count(*) from agents) \
        + (select count(*) from billing_plans) + (select count(*) from locations) + (select count(*) from sync_jobs)";
    /// Imported records that no source has stated yet, by kind.
    WITHOUT_SOURCE = [crate::records::match_imported::WITHOUT_SOURCE];
}

/// The state of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Tables are missing.
    Running,
    /// Every table is imported; the two sides were not compared yet.
    Imported,
    /// The two sides differ.
    Differs,
    /// The two sides are the same, or a person has accepted how they differ.
    Verified,
}

impl ImportState {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Imported => "imported",
            Self::Differs => "differs",
            Self::Verified => "verified",
        }
    }
}

/// The import of a database.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Its id.
    pub id: String,
    /// The database that is imported from, without its password.
    pub source: String,
    /// The generation of its schema.
    pub layout: String,
    /// The zone of the old server's clock.
    pub time_zone: Option<String>,
    /// Codes of accepted warnings.
    pub accepted: BTreeSet<String>,
    /// Its state.
    pub state: ImportState,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When the last table was imported for the first time.
    pub finished_at: Option<DateTime<Utc>>,
    /// When the two sides were last compared.
    pub compared_at: Option<DateTime<Utc>>,
    /// The result of that comparison.
    pub comparison: Option<Comparison>,
    /// The newest entry of the change log then.
    pub change_id: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct ImportRow {
    id: String,
    source: String,
    layout: String,
    time_zone: Option<String>,
    accepted: Json<BTreeSet<String>>,
    state: ImportState,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    compared_at: Option<DateTime<Utc>>,
    comparison: Option<Json<Comparison>>,
    change_id: Option<i64>,
}

impl From<ImportRow> for Import {
    fn from(row: ImportRow) -> Self {
        Self {
            id: row.id,
            source: row.source,
            layout: row.layout,
            time_zone: row.time_zone,
            accepted: row.accepted.0,
            state: row.state,
            started_at: row.started_at,
            finished_at: row.finished_at,
            compared_at: row.compared_at,
            comparison: row.comparison.map(|comparison| comparison.0),
            change_id: row.change_id,
        }
    }
}

/// The progress of a table.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Progress {
    name: String,
    after: Option<String>,
    pub done: bool,
    pub report: Json<TableReport>,
}

impl Progress {
    /// The key of the last row that was written.
    pub fn key(&self) -> Option<Vec<Key>> {
        serde_json::from_str(self.after.as_deref()?).ok()
    }
}

/// The import of this database, if there is one.
pub(super) async fn find(db: &Db) -> Result<Option<Import>> {
    let row: Option<ImportRow> = db.query(FIND).optional().await?;
    Ok(row.map(Import::from))
}

/// Whether the database has records or jobs already.
pub(super) async fn is_used(db: &Db) -> Result<bool> {
    let rows: Option<i64> = db.query(USED).scalar().await?;
    Ok(rows > Some(0))
}

/// Begins an import.
pub(super) async fn begin(tx: &mut Tx, import: &Import) -> Result<()> {
    tx.query(BEGIN)
        .bind(import.id.as_str())
        .bind(import.source.as_str())
        .bind(import.layout.as_str())
        .bind_text(import.time_zone.as_deref())
        .bind(Json(&import.accepted))
        .bind(import.state)
        .bind(import.started_at)
        .execute()
        .await?;
    for table in Table::ALL {
        tx.query(ADD_TABLE)
            .bind(table.name())
            .bind(None::<String>)
            .bind(false)
            .bind(Json(&TableReport::default()))
            .execute()
            .await?;
    }
    Ok(())
}

/// Withdraws an import that has written nothing.
pub(super) async fn withdraw(tx: &mut Tx, import: &Import) -> Result<()> {
    let q = tx.query(WITHDRAW).bind(import.id.as_str());
    q.execute().await?;
    tx.query(WITHDRAW_TABLES).execute().await?;
    Ok(())
}

/// The progress of each table.
pub(super) async fn tables(db: &Db) -> Result<Vec<(Table, Progress)>> {
    let rows: Vec<Progress> = db.query(TABLES).all().await?;
    let mut tables: Vec<(Table, Progress)> = rows
        .into_iter()
        .filter_map(|row| Some((Table::of_name(&row.name)?, row)))
        .collect();
    tables.sort_by_key(|(table, _)| *table);
    Ok(tables)
}

/// The report of everything that is imported so far.
pub(super) fn report(tables: Vec<(Table, Progress)>, layout: &str) -> ImportReport {
    let tables = tables.into_iter();
    ImportReport {
        layout: layout.to_owned(),
        tables: tables
            .map(|(table, progress)| (table.name().to_owned(), progress.report.0))
            .collect(),
    }
}

/// Moves the checkpoint of a table from `before` to `after`.
///
/// # Errors
/// [`Error::Conflict`] when another process has moved it.
pub(super) async fn advance(
    tx: &mut Tx,
    table: Table,
    (before, after): (Option<&[Key]>, Option<&[Key]>),
    done: bool,
    report: &TableReport,
) -> Result<()> {
    let text = |key: Option<&[Key]>| key.map(|key| serde_json::to_string(key).unwrap_or_default());
    let moved = tx
        .query(ADVANCE)
        .bind(table.name())
        .bind(text(after))
        .bind(done)
        .bind(Json(report))
        .bind(text(before))
        .execute()
        .await?;
    if moved == 1 {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "another process imports `{}`; wait until it has ended",
        table.name()
    )))
}

/// Starts a table again.
pub(super) async fn redo(tx: &mut Tx, table: Table) -> Result<()> {
    let empty = Json(TableReport::default());
    let q = tx.query(REDO).bind(table.name()).bind(false);
    q.bind(empty).execute().await?;
    Ok(())
}

/// Sets the state of the import.
pub(super) async fn set_state(
    tx: &mut Tx,
    import: &Import,
    state: ImportState,
    finished: Option<(DateTime<Utc>, i64)>,
) -> Result<()> {
    tx.query(SET_STATE)
        .bind(import.id.as_str())
        .bind(state)
        .bind(finished.map(|(at, _)| at))
        .bind(finished.map(|(_, change)| change))
        .execute()
        .await?;
    Ok(())
}
