//! Whether this process alone uses the database.

use std::time::Duration;

use sqlx::{Sqlite, SqlitePool};

use super::{Db, Pools};
use crate::{Error, Result, panics};

/// How often it is looked whether others are still connected, and how long apart: a connection that was closed goes a
/// little later.
const LOOKS: u32 = 10;
const LOOK: Duration = Duration::from_millis(100);

sql! {
    /// Connections of codexd to the same database, with those of this process.
    CONNECTIONS = {
        sqlite: "select 0",
        pg: "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'codex'",
    };
}

impl Db {
    /// Checks that no other process has the database open. This one may not use it meanwhile.
    ///
    /// # Errors
    /// [`Error::Conflict`] while another process has it open.
    pub async fn require_exclusive(&self) -> Result<()> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(LOOK).await;
            }
            if self.is_exclusive().await? {
                return Ok(());
            }
        }
        Err(Error::conflict(
            "codexd or another of its commands uses the database; stop it first",
        ))
    }

    async fn is_exclusive(&self) -> Result<bool> {
        match &self.pools {
            Pools::Sqlite {
                readers, writer, ..
            } => {
                // Each would be another user of the file. Whether its `pragma optimize` worked does not matter.
                while let Some(reader) = readers.try_acquire() {
                    reader.close().await.ok();
                }
                // Whoever asks may give up between leaving and returning.
                let work = can_leave_wal(writer.clone());
                let place = "the check that nobody else uses the database";
                let found = panics::joined(place, panics::spawn(place, work).await);
                found.unwrap_or(Ok(false))
            }
            Pools::Pg(pool) => {
                let all: Option<i64> = self.query(CONNECTIONS).scalar().await?;
                Ok(all.unwrap_or_default() <= i64::from(pool.size()))
            }
        }
    }
}

/// Whether a file can leave WAL mode and return to it: `SQLite` leaves it only when no other connection is open
/// (<https://www.sqlite.org/wal.html>).
async fn can_leave_wal(writer: SqlitePool) -> Result<bool> {
    let mut alone = writer.acquire().await?;
    for (mode, change) in [
        ("delete", "pragma journal_mode = delete"),
        ("wal", "pragma journal_mode = wal"),
    ] {
        let changed = sqlx::query_scalar::<Sqlite, String>(change);
        match changed.fetch_one(&mut *alone).await.map_err(Error::from) {
            Ok(now) if now == mode => {}
            Ok(_) => return Ok(false),
            Err(error) if error.is_in_the_way() => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
