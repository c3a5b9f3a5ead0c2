//! Backups: all tables of a database as of one moment, in a form that both engines read.
//!
//! A backup is text, one line per row. [`fn@write`] reads a snapshot while others write. [`inspect`] reads a file to its end
//! and checks that it is complete. [`restore`] fills an empty database in one transaction and compares the result with
//! the manifest. The caller compresses the text and opens the files.
//!
//! Indexes that can be computed from other tables are left out: that of names, and that of words, which triggers fill.

mod lines;
mod load;
mod tables;

use std::io::{self, BufRead, Write};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::{
    lines::{FORMAT, Head, Line, Lines, Sum, TableHead, Writer},
    tables::Table,
};
use super::{Db, Inner, Pools, Tx};

pub use load::{refuse_filled, restore};
pub(crate) use tables::STATEMENTS;

/// Reading a large snapshot takes longer than a statement of a call may take.
const PG_READING: &str = "set local statement_timeout = 0; \
                          set local idle_in_transaction_session_timeout = 0";

/// The contents of a backup: versions, and count and hash of each table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Version of the codexd that wrote it.
    pub codexd: String,
    /// Name of the engine that it was read from, such as `postgresql`.
    pub engine: String,
    /// When it was begun (UTC).
    pub created_at: DateTime<Utc>,
    /// The migrations that the database had: its schema's version is the last of them.
    pub migrations: Vec<i64>,
    /// Every table, by name.
    pub tables: Vec<TableSum>,
}

impl Manifest {
    /// The rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// A table in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// The sum of the SHA-256 hashes of its rows, as hexadecimal digits. It does not depend on their order.
    pub hash: String,
}

/// Why a backup could not be written, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file is something else.
    #[error("it is not a Codex backup")]
    Foreign,
    /// The file ends before the backup does.
    #[error("the backup is incomplete: the file is cut off")]
    Incomplete,
    /// The backup is not as it was written.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// The backup cannot go into this database.
    #[error("{0}")]
    Refused(String),
    /// The file could not be read or written.
    #[error("the file cannot be read or written")]
    Io(#[source] io::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] crate::Error),
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.kind() {
            UnexpectedEof => Self::Incomplete,
            InvalidData | InvalidInput => Self::Damaged(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

/// The result of the functions of this module.
pub type Result<T, E = BackupError> = std::result::Result<T, E>;

/// Writes a backup of all tables as of one moment. Others may write to the database meanwhile.
///
/// # Errors
/// [`BackupError::Io`] when `out` cannot be written, [`BackupError::Db`] when the database cannot be read.
pub async fn write(db: &Db, at: DateTime<Utc>, out: &mut dyn Write) -> Result<Manifest> {
    let migrations = db.applied_migrations().await?;
    let mut snapshot = db.snapshot().await?;
    let tables = Table::all(&mut snapshot).await?;
    let head = Head {
        format: FORMAT.to_owned(),
        codexd: env!("CARGO_PKG_VERSION").to_owned(),
        engine: db.engine().name().to_owned(),
        created_at: at,
        migrations,
    };
    let mut writer = Writer::begin(out, &head)?;
    for table in &tables {
        writer.table(&TableHead {
            name: table.name.clone(),
            columns: table.column_names(),
        })?;
        table
            .each_row(&mut snapshot, |row| writer.row(&row))
            .await?;
    }
    let sums = writer.end()?;
    snapshot.rollback().await?;
    Ok(head.with(sums))
}

/// Reads a backup to its end, checks it and returns its manifest.
///
/// # Errors
/// [`BackupError::Foreign`] when the file is not a backup, [`BackupError::Incomplete`] when it is cut off,
/// [`BackupError::Damaged`] when it was changed, [`BackupError::Refused`] when it has another format.
pub fn inspect(source: impl BufRead) -> Result<Manifest> {
    let mut lines = Lines::open(source)?;
    let mut sums: Vec<Sum> = Vec::new();
    loop {
        match lines.read()? {
            Line::Table(table) => sums.push(Sum::of(table.name)),
            Line::Row(row) => match sums.last_mut() {
                Some(sum) => sum.add(&row),
                None => return Err(BackupError::Damaged("a row is of no table".to_owned())),
            },
            Line::End(stated) => {
                let sums: Vec<TableSum> = sums.into_iter().map(Sum::finish).collect();
                if let Some(name) = different(&sums, &stated) {
                    let message = format!("table `{name}` is not as it was written");
                    return Err(BackupError::Damaged(message));
                }
                return Ok(lines.head.with(sums));
            }
        }
    }
}

/// The first table in which two lists differ.
fn different(one: &[TableSum], other: &[TableSum]) -> Option<String> {
    let lacks = |of: &[TableSum], in_these: &[TableSum]| {
        let table = of.iter().find(|table| !in_these.contains(table));
        table.map(|table| table.name.clone())
    };
    lacks(one, other).or_else(|| lacks(other, one))
}

impl Db {
    /// A transaction that reads the database as of one moment.
    async fn snapshot(&self) -> crate::Result<Tx> {
        let inner = match &self.pools {
            Pools::Sqlite { readers, .. } => Inner::Sqlite(readers.begin().await?),
            Pools::Pg(pool) => {
                let begin = "begin isolation level repeatable read read only";
                let mut tx = pool.begin_with(begin).await?;
                sqlx::raw_sql(PG_READING).execute(&mut *tx).await?;
                Inner::Pg(tx)
            }
        };
        Ok(Tx {
            inner,
            shared: self.shared.clone(),
            written: super::Written::default(),
        })
    }
}
