//! The database: `SQLite` or `PostgreSQL` behind one SQL text.
//!
//! [`Db`] opens either engine and hands out [`Q`], one statement with its binds; above this folder
//! nothing knows the engine. Reads go to [`Db::query`] without `BEGIN`; writes go through
//! [`Db::begin`].

mod connect;
mod figures;
mod migrate;
mod query;
mod rebuild;
#[macro_use]
pub mod sql;
pub mod backup;
mod exclusive;
mod revisions;
pub mod schema;
pub mod snapshot;
mod write_failure;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Instant,
};

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

pub(crate) use exclusive::STATEMENTS as EXCLUSIVE;
pub(crate) use figures::Figures;
pub use migrate::MigrationDef;
pub use query::{Bind, Q, Record, Row, Scalar};
pub(crate) use revisions::STATEMENTS as REVISIONS;
use revisions::Written;
pub use revisions::{Reads, Revisions, noting_reads};
pub use sql::Sql;
pub use write_failure::WriteFailure;
pub(crate) use write_failure::{STATEMENTS, sqlite_code};

use crate::Result;

/// Waits for a turn.
const ADVISORY_LOCK: &str = "select 1 from pg_advisory_xact_lock(hashtext($1))";

/// Which engine a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, one file.
    Sqlite,
    /// `PostgreSQL` 12 or newer.
    Postgres,
}

#[derive(Debug, Clone)]
enum Pools {
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
        /// Readers that were opened before are opened anew.
        renewed: Arc<Mutex<Instant>>,
        /// How many pages the file may have; 0 for as many as the disk holds.
        most_pages: Arc<AtomicU32>,
    },
    Pg(PgPool),
}

/// A database of either engine; cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pools: Pools,
    shared: Arc<Shared>,
}

impl Engine {
    /// Its name, as health checks and backups state it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// What all handles of a database share.
#[derive(Debug, Default)]
struct Shared {
    statements: AtomicU64,
    writing: write_failure::Writing,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Pg(Transaction<'static, Postgres>),
}

/// An open write transaction; dropping it rolls back.
pub struct Tx {
    inner: Inner,
    shared: Arc<Shared>,
    written: Written,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tx")
    }
}

impl Db {
    /// The engine.
    pub fn engine(&self) -> Engine {
        match self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Pg(_) => Engine::Postgres,
        }
    }

    /// A statement on the reader pool; a write sent to it fails on `SQLite`.
    pub fn query(&self, sql: impl Into<Sql>) -> Q<'_> {
        let target = match &self.pools {
            Pools::Sqlite { readers, .. } => query::Target::Sqlite(readers),
            Pools::Pg(pool) => query::Target::Pg(pool),
        };
        Q::new(target, sql.into(), &self.shared, None)
    }

    /// Begins a write transaction.
    ///
    /// On `SQLite` with `BEGIN IMMEDIATE` on the only writer connection: a deferred one that reads
    /// before it writes fails under contention.
    pub async fn begin(&self) -> Result<Tx> {
        let begun = match &self.pools {
            Pools::Sqlite { writer, .. } => {
                let begun = writer.begin_with("begin immediate").await;
                begun.map(Inner::Sqlite)
            }
            Pools::Pg(pool) => pool.begin().await.map(Inner::Pg),
        };
        let inner = begun.inspect_err(|error| self.shared.writing.failed(error))?;
        Ok(Tx {
            inner,
            shared: self.shared.clone(),
            written: Written::default(),
        })
    }

    /// Opens the connections that read anew, each when it is next used: `SQLite` plans by the statistics that a
    /// connection found when it was opened (<https://www.sqlite.org/lang_analyze.html>). A server does without.
    pub(crate) fn renew_readers(&self) {
        if let Pools::Sqlite { renewed, .. } = &self.pools {
            *renewed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
    }

    /// Lets the file of a `SQLite` database grow to so many pages at most, as a full disk would: writes that need more
    /// fail. For tests; a server does without.
    pub fn limit_pages(&self, most: u32) {
        if let Pools::Sqlite { most_pages, .. } = &self.pools {
            most_pages.store(most, Ordering::Relaxed);
        }
    }

    /// How many statements this database has run, for tests that count them.
    pub fn statements(&self) -> u64 {
        self.shared.statements.load(Ordering::Relaxed)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite {
                readers, writer, ..
            } => {
                readers.close().await;
                // The file is then whole without its log, for whoever copies it. A process beside this one may prevent
                // that; its own close makes up for it.
                let checkpoint = sqlx::raw_sql("pragma wal_checkpoint(truncate)");
                if let Err(error) = checkpoint.execute(writer).await {
                    tracing::debug!(%error, "The log of the database was not written back");
                }
                writer.close().await;
            }
            Pools::Pg(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// A statement in this transaction.
    pub fn query(&mut self, sql: impl Into<Sql>) -> Q<'_> {
        let target = match &mut self.inner {
            Inner::Sqlite(tx) => query::Target::SqliteTx(tx),
            Inner::Pg(tx) => query::Target::PgTx(tx),
        };
        Q::new(target, sql.into(), &self.shared, Some(&mut self.written))
    }

    /// The engine.
    fn engine(&self) -> Engine {
        match self.inner {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Pg(_) => Engine::Postgres,
        }
    }

    /// Waits until no other transaction has its turn at this, and has it until its end: what is looked up then and
    /// is not there cannot be made by another meanwhile. On `SQLite` the only writer has every turn.
    pub async fn advisory_lock(&mut self, at: &'static str) -> Result<()> {
        if matches!(self.inner, Inner::Pg(_)) {
            self.query(ADVISORY_LOCK).bind(at).execute().await?;
        }
        Ok(())
    }

    /// Makes the changes last.
    pub async fn commit(mut self) -> Result<()> {
        self.count_changes().await?;
        let done = match self.inner {
            Inner::Sqlite(tx) => tx.commit().await,
            Inner::Pg(tx) => tx.commit().await,
        };
        match &done {
            Ok(()) => self.shared.writing.succeeded(),
            Err(error) => self.shared.writing.failed(error),
        }
        Ok(done?)
    }

    /// Discards the changes.
    pub async fn rollback(self) -> Result<()> {
        match self.inner {
            Inner::Sqlite(tx) => tx.rollback().await?,
            Inner::Pg(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes what belongs to one connection in all of them, and tells what it was.
    async fn mark(readers: &SqlitePool) -> Vec<i64> {
        let mut all = Vec::new();
        for _ in 0..readers.options().get_max_connections() {
            all.push(readers.acquire().await.unwrap());
        }
        let mut sizes = Vec::new();
        for reader in &mut all {
            let size = sqlx::query_scalar("pragma cache_size");
            sizes.push(size.fetch_one(&mut **reader).await.unwrap());
            let mark = sqlx::query("pragma cache_size = 77");
            mark.execute(&mut **reader).await.unwrap();
        }
        sizes
    }

    #[tokio::test]
    async fn renewing_reopens_every_reader() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let db = Db::open(file.to_str().unwrap()).await.unwrap();
        let Pools::Sqlite { readers, .. } = &db.pools else {
            panic!("no SQLite");
        };
        let own = mark(readers).await;
        assert!(mark(readers).await.iter().all(|size| *size == 77));
        db.renew_readers();
        assert_eq!(mark(readers).await, own);
    }
}
