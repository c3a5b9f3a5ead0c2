//! Writing rows into a database of either engine, in batches of plain SQL.

use std::collections::BTreeMap;

use anyhow::bail;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use super::{row::Row, schema::Schema};

/// Rows of a statement.
const BATCH: usize = 200;

/// An empty database to fill.
#[derive(Debug)]
pub enum Target {
    /// A `SQLite` file.
    Sqlite(SqliteConnection),
    /// A `PostgreSQL` database; tables come into its current schema.
    Postgres(PgConnection),
}

impl Target {
    /// Opens `sqlite:path`, making the file, or `postgresql://user:password@host/database`.
    ///
    /// # Errors
    /// For another kind of database, and when it cannot be opened.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let url = format!("sqlite://{path}?mode=rwc");
            return Ok(Self::Sqlite(SqliteConnection::connect(&url).await?));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(PgConnection::connect(url).await?));
        }
        bail!("a database to fill is sqlite:path or postgresql://user:password@host/database")
    }

    async fn execute(&mut self, sql: &str) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(connection) => {
                sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(&mut *connection)
                    .await?;
            }
            Self::Postgres(connection) => {
                sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(&mut *connection)
                    .await?;
            }
        }
        Ok(())
    }
}

/// Rows of a table that wait for their statement.
#[derive(Debug, Default)]
struct Waiting {
    values: Vec<String>,
    written: u64,
}

/// Writes rows in one transaction.
#[derive(Debug)]
pub(super) struct Writer {
    target: Target,
    pub schema: Schema,
    waiting: BTreeMap<&'static str, Waiting>,
}

impl Writer {
    /// Begins a transaction and makes the tables.
    pub async fn begin(mut target: Target, schema: Schema) -> anyhow::Result<Self> {
        target.execute("begin").await?;
        target.execute(&schema.sql()).await?;
        let waiting = schema.tables().map(|table| (table, Waiting::default()));
        Ok(Self {
            waiting: waiting.collect(),
            target,
            schema,
        })
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.target, Target::Sqlite(_))
    }

    /// Writes a row, unless the generation does not have the table.
    pub async fn write(&mut self, table: &'static str, row: &Row) -> anyhow::Result<()> {
        let Some(waiting) = self.waiting.get_mut(table) else {
            return Ok(());
        };
        let number = waiting.written;
        waiting.written += 1;
        let is_cut = matches!(self.target, Target::Postgres(_));
        let values: Vec<String> = self
            .schema
            .columns(table)
            .iter()
            // A mixture has rows that nobody has synced since the migration.
            .map(|column| {
                if column.is_added && number % 2 == 1 {
                    return "null".to_owned();
                }
                let longest = column.longest().filter(|_| is_cut);
                row.get(column.name).literal(longest)
            })
            .collect();
        waiting.values.push(format!("({})", values.join(", ")));
        if waiting.values.len() < BATCH {
            return Ok(());
        }
        self.flush(table).await
    }

    async fn flush(&mut self, table: &'static str) -> anyhow::Result<()> {
        let Some(waiting) = self.waiting.get_mut(table) else {
            return Ok(());
        };
        let values = std::mem::take(&mut waiting.values);
        if values.is_empty() {
            return Ok(());
        }
        let columns = self.schema.columns(table).iter().map(|column| column.name);
        let sql = format!(
            "insert into {table} ({}) values {}",
            columns.collect::<Vec<_>>().join(", "),
            values.join(",\n")
        );
        self.target.execute(&sql).await
    }

    /// Commits and closes; gives how many rows each table has.
    pub async fn end(mut self) -> anyhow::Result<BTreeMap<&'static str, u64>> {
        let tables: Vec<&'static str> = self.schema.tables().collect();
        for table in tables {
            self.flush(table).await?;
        }
        self.target.execute("commit").await?;
        match self.target {
            Target::Sqlite(connection) => connection.close().await?,
            Target::Postgres(connection) => connection.close().await?,
        }
        let rows = self.waiting.into_iter();
        Ok(rows
            .map(|(table, waiting)| (table, waiting.written))
            .collect())
    }
}
