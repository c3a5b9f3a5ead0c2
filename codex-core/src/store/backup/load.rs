//! Filling an empty database with a backup.

use std::io::BufRead;

use sqlx::AssertSqlSafe;

use super::{
    BackupError, Line, Lines, Manifest, Result, Sum, Table, TableSum, different,
    tables::{NUMBERED, REFERENCES, quoted},
};
use crate::store::{Db, Engine, Inner, Tx, schema::BEGUN};

/// The most rows of one statement.
const ROWS: usize = 500;
/// About the most bytes of one statement.
const BYTES: usize = 1 << 20;
/// Tables in which a migration or a first start of codexd puts rows: they do not make a database one that somebody uses.
const SEEDED: [&str; 3] = ["codex_database", "key_rules", "revisions"];
/// Ids below which an import has reserved all, by table; older schemas have none.
const FLOORS: &str = "id_floors";
/// Fills an empty database with the backup of `manifest`, which [`super::inspect`] has returned. All or nothing: schema,
/// rows and the comparison with the manifest are one transaction.
///
/// # Errors
/// [`BackupError::Refused`] when the database is not empty or the backup is of a newer program,
/// [`BackupError::Damaged`] when the backup does not match the manifest.
pub async fn restore(db: &Db, source: impl BufRead, manifest: &Manifest) -> Result<()> {
    let is_new = refuse_other_schema(db, manifest).await?;
    let mut lines = Lines::open(source)?;
    let mut tx = db.begin().await?;
    refuse_rows(&mut tx, is_new).await?;
    tx.inner
        .migrate(manifest.migrations.last().copied())
        .await?;
    let tables = Table::all(&mut tx).await?;
    let references = suspend_references(&mut tx).await?;
    for table in &tables {
        execute(&mut tx, format!("delete from {}", quoted(&table.name))).await?;
    }
    let loaded = load(&mut tx, &tables, &mut lines).await?;
    for reference in references {
        execute(&mut tx, reference).await?;
    }
    let mut sums = Vec::new();
    for table in &loaded {
        sums.push(sum(&mut tx, table).await?);
    }
    if let Some(name) = different(&sums, &manifest.tables) {
        return Err(BackupError::Damaged(format!(
            "table `{name}` is not as the backup states"
        )));
    }
    number_on(&mut tx, &tables).await?;
    tx.commit().await?;
    Ok(())
}

/// Checks that a database is empty: it has no tables, or those of Codex without rows.
///
/// # Errors
/// [`BackupError::Refused`] when a table has rows, or is of another program.
pub async fn refuse_filled(db: &Db) -> Result<()> {
    // Without the connections that read: one of them would be another user of a file.
    let mut tx = db.begin().await?;
    let begun: Option<i64> = tx.query(BEGUN).scalar().await?;
    refuse_rows(&mut tx, begun != Some(1)).await?;
    tx.rollback().await?;
    Ok(())
}

/// Checks that the database has no schema or that of the backup. Returns whether it has none.
async fn refuse_other_schema(db: &Db, manifest: &Manifest) -> Result<bool> {
    let newest = manifest.migrations.last().copied().unwrap_or(0);
    let known: Vec<i64> = Db::migrations(db.engine())
        .map(|migration| migration.version)
        .filter(|version| *version <= newest)
        .collect();
    if known != manifest.migrations {
        return Err(BackupError::Refused(format!(
            "the backup has a schema that this codexd does not know (migration {newest}, written by codexd {}); \
             install that version",
            manifest.codexd
        )));
    }
    let applied = db.applied_migrations().await?;
    if !applied.is_empty() && applied != manifest.migrations {
        let own = applied.last().copied().unwrap_or(0);
        return Err(BackupError::Refused(format!(
            "the database has schema {own} and the backup {newest}; restore into a database without tables"
        )));
    }
    Ok(applied.is_empty())
}

async fn refuse_rows(tx: &mut Tx, is_new: bool) -> Result<()> {
    for table in Table::all(tx).await? {
        if is_new {
            let message = "the database has tables of another program; name a new database";
            return Err(BackupError::Refused(message.to_owned()));
        }
        if !SEEDED.contains(&table.name.as_str()) && !table.is_empty(tx).await? {
            return Err(BackupError::Refused(format!(
                "the database is not empty: table `{}` has rows; name a new database",
                table.name
            )));
        }
    }
    Ok(())
}

/// Drops foreign keys, because rows come in the order of tables, not of references. Returns the statements that create
/// the foreign keys again and so check every row.
async fn suspend_references(tx: &mut Tx) -> Result<Vec<String>> {
    if tx.engine() == Engine::Sqlite {
        execute(tx, "pragma defer_foreign_keys = on".to_owned()).await?;
        return Ok(Vec::new());
    }
    let references: Vec<(String, String, String)> = tx.query(REFERENCES).all().await?;
    let mut again = Vec::new();
    for (table, name, definition) in references {
        let name = quoted(&name);
        execute(tx, format!("alter table {table} drop constraint {name}")).await?;
        again.push(format!(
            "alter table {table} add constraint {name} {definition}"
        ));
    }
    Ok(again)
}

/// Writes all rows. Returns the tables with the columns of the backup.
async fn load(
    tx: &mut Tx,
    tables: &[Table],
    lines: &mut Lines<impl BufRead>,
) -> Result<Vec<Table>> {
    let mut loaded: Vec<Table> = Vec::new();
    let mut rows = Rows::default();
    loop {
        let line = lines.read()?;
        if let Line::Row(row) = &line {
            rows.add(row);
        }
        if let Some(table) = loaded.last()
            && (rows.is_full() || !matches!(line, Line::Row(_)))
            && let Some(rows) = rows.take()
        {
            table.insert(tx, rows).await?;
        }
        match line {
            Line::Row(_) => {}
            Line::Table(head) => {
                let table = tables.iter().find(|table| table.name == head.name);
                let table = table.ok_or_else(|| {
                    BackupError::Damaged(format!("there is no table `{}`", head.name))
                })?;
                loaded.push(table.with_columns(&head.columns)?);
            }
            Line::End(_) => return Ok(loaded),
        }
    }
}

/// Rows that are written together.
#[derive(Default)]
struct Rows {
    text: String,
    count: usize,
}

impl Rows {
    fn add(&mut self, row: &str) {
        self.text.push(if self.count == 0 { '[' } else { ',' });
        self.text.push_str(row);
        self.count += 1;
    }

    fn is_full(&self) -> bool {
        self.count >= ROWS || self.text.len() >= BYTES
    }

    fn take(&mut self) -> Option<String> {
        if self.count == 0 {
            return None;
        }
        self.count = 0;
        let mut text = std::mem::take(&mut self.text);
        text.push(']');
        Some(text)
    }
}

/// Counts and hashes the rows of a table.
async fn sum(tx: &mut Tx, table: &Table) -> Result<TableSum> {
    let mut sum = Sum::of(table.name.clone());
    let add = |row: String| {
        sum.add(&row);
        Ok(())
    };
    table.each_row(tx, add).await?;
    Ok(sum.finish())
}

/// Lets new rows be numbered above those that are there, and above the ids that an import has set aside.
async fn number_on(tx: &mut Tx, tables: &[Table]) -> Result<()> {
    let has_floors = tables.iter().any(|table| table.name == FLOORS);
    let numbered: Vec<(String, String)> = tx.query(NUMBERED).all().await?;
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    for (table, column) in numbered {
        let (name, id) = (quoted(&table), quoted(&column));
        let floor = if has_floors {
            let of = literal(&table);
            format!("(select max(f.id) from {FLOORS} f where f.table_name = {of})")
        } else {
            "null".to_owned()
        };
        let (name_text, id_text) = (literal(&name), literal(&column));
        execute(
            tx,
            format!(
                "select setval(pg_get_serial_sequence({name_text}, {id_text}), n) \
                 from (select greatest(max({id}), {floor}) as n from {name}) most where n > 0"
            ),
        )
        .await?;
    }
    Ok(())
}

/// Runs a statement whose names come from the catalogue of the database.
async fn execute(tx: &mut Tx, sql: String) -> Result<()> {
    let sql = AssertSqlSafe(sql);
    match &mut tx.inner {
        Inner::Sqlite(tx) => {
            sqlx::raw_sql(sql).execute(&mut **tx).await?;
        }
        Inner::Pg(tx) => {
            sqlx::raw_sql(sql).execute(&mut **tx).await?;
        }
    }
    Ok(())
}
