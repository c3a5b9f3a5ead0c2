//! Bringing the schema up to date.
//!
//! All pending migrations are one transaction: of two processes one waits for the other, and a failure leaves the schema
//! as it was. The lock of sqlx belongs to a session. It would be lost behind a pooler that gives each transaction another
//! connection.

use std::time::{Duration, Instant};

use sqlx::{Connection as _, migrate::Migrator};

use super::{Db, Engine, Inner, Pools};
use crate::Result;

static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// How long a process waits for another that migrates the same file.
const LOCK_WAIT: Duration = Duration::from_secs(600);
/// A migration may rewrite a large table, which takes longer than a statement of a call may take. The wait for another
/// process that migrates has no limit. The wait for a table in use is short, because all later calls wait behind it.
const PG_LOCK: &str = "set local statement_timeout = 0; set local lock_timeout = 0; \
                       set local idle_in_transaction_session_timeout = 0; \
                       select pg_advisory_xact_lock(hashtext('codex migrations')); \
                       set local lock_timeout = '10s'";

/// A migration of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct MigrationDef {
    /// Its number; migrations are run in this order.
    pub version: i64,
    /// A short name.
    pub name: &'static str,
    /// Its SQL.
    #[serde(skip)]
    pub sql: &'static str,
}

impl Db {
    /// Brings the schema up to date. Several processes may do so at once.
    ///
    /// # Errors
    /// [`crate::Error::Unsupported`] for the schema of a newer program, [`crate::Error::Invalid`] for the database of
    /// another program, [`crate::Error::Db`] for a migration that fails; the schema stays as it was.
    pub async fn migrate(&self) -> Result<()> {
        let state = self.schema_state().await?;
        state.refuse_unknown()?;
        if state.missing.is_empty() {
            // Compares the applied migrations with ours, and writes nothing.
            return self.compare_texts().await;
        }
        match &self.pools {
            Pools::Sqlite { .. } => {
                let mut tx = self.begin_with_lock().await?;
                tx.inner.migrate(None).await?;
                tx.commit().await
            }
            Pools::Pg(pool) => {
                // Its own connection, which is closed: no lock is left after a failure.
                let mut connection = pool.acquire().await?.detach();
                let mut tx = connection.begin().await?;
                sqlx::raw_sql(PG_LOCK).execute(&mut *tx).await?;
                let done = run(&POSTGRES, None, &mut *tx).await;
                match &done {
                    Ok(()) => tx.commit().await?,
                    Err(_) => tx.rollback().await?,
                }
                connection.close().await.ok();
                done
            }
        }
    }

    /// Begins a write transaction, and waits while another process migrates.
    async fn begin_with_lock(&self) -> Result<super::Tx> {
        let since = Instant::now();
        loop {
            match self.begin().await {
                Err(error) if error.is_in_the_way() && since.elapsed() < LOCK_WAIT => {}
                begun => return begun,
            }
        }
    }

    async fn compare_texts(&self) -> Result<()> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => run(&SQLITE, None, &mut *writer.acquire().await?).await,
            Pools::Pg(pool) => run(&POSTGRES, None, &mut *pool.acquire().await?).await,
        }
    }

    /// The migrations of an engine, in their order.
    pub fn migrations(engine: Engine) -> impl Iterator<Item = MigrationDef> {
        let migrator = match engine {
            Engine::Sqlite => &SQLITE,
            Engine::Postgres => &POSTGRES,
        };
        migrator.iter().map(|migration| MigrationDef {
            version: migration.version,
            name: migration.description.as_ref(),
            sql: migration.sql.as_str(),
        })
    }
}

impl Inner {
    /// Runs the pending migrations up to a version, or all, within an open transaction.
    pub(super) async fn migrate(&mut self, to: Option<i64>) -> Result<()> {
        match self {
            Self::Sqlite(tx) => run(&SQLITE, to, &mut **tx).await,
            Self::Pg(tx) => {
                sqlx::raw_sql(PG_LOCK).execute(&mut **tx).await?;
                run(&POSTGRES, to, &mut **tx).await
            }
        }
    }
}

/// Runs migrations without the lock of sqlx.
async fn run<C: sqlx::migrate::Migrate>(
    migrator: &'static Migrator,
    to: Option<i64>,
    connection: &mut C,
) -> Result<()> {
    let own = Migrator {
        migrations: migrator.migrations.clone(),
        locking: false,
        ..Migrator::DEFAULT
    };
    let done = own.run_direct(to, connection, false).await;
    done.map_err(|error| sqlx::Error::from(error).into())
}
