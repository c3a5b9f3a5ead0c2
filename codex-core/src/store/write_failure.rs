//! Whether a database can be written: what the last write that failed for want of a disk has said.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::sqlite::SqliteError;

use super::Db;

/// Why a database cannot be written for now, though it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFailure {
    /// Its disk is full.
    Full,
    /// Its disk fails.
    Disk,
    /// It is read-only: a file without the right to write, or a server that is a copy of another.
    ReadOnly,
}

impl std::fmt::Display for WriteFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "the disk of the database is full",
            Self::Disk => "the disk of the database fails",
            Self::ReadOnly => "the database is read-only",
        })
    }
}

impl WriteFailure {
    /// What an error of the database says of it.
    pub(crate) fn of(error: &sqlx::Error) -> Option<Self> {
        let sqlx::Error::Database(error) = error else {
            return None;
        };
        match sqlite_code(&**error) {
            // SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY (https://www.sqlite.org/rescode.html).
            Some(13) => Some(Self::Full),
            Some(10 | 14) => Some(Self::Disk),
            Some(8) => Some(Self::ReadOnly),
            Some(_) => None,
            // disk_full, io_error, read_only_sql_transaction
            // (https://www.postgresql.org/docs/current/errcodes-appendix.html).
            None => match error.code()?.as_ref() {
                "53100" => Some(Self::Full),
                "58030" => Some(Self::Disk),
                "25006" => Some(Self::ReadOnly),
                _ => None,
            },
        }
    }
}

/// `SQLite`'s primary code of an error; `None` for another engine's. The extended code holds it in its lowest byte.
pub(crate) fn sqlite_code(error: &dyn sqlx::error::DatabaseError) -> Option<i32> {
    let error = error.try_downcast_ref::<SqliteError>()?;
    let code: i32 = sqlx::error::DatabaseError::code(error)?.parse().ok()?;
    Some(code & 0xff)
}

/// How long an answer to the question whether writing works again is good for.
const FRESH: Duration = Duration::from_secs(5);
/// What is written to find out: more than what a full disk has left in pages that are begun.
const FILLER: usize = 64 * 1024;

sql! {
    /// Takes some room.
    FILL = "insert into write_probe (filler) values ($1)";
    /// Gives it back.
    EMPTY = "delete from write_probe";
}

/// The last write that failed for such a reason, until one succeeds.
#[derive(Debug, Default)]
pub(super) struct Writing {
    last: Mutex<Option<(WriteFailure, Instant)>>,
    probing: tokio::sync::Mutex<()>,
}

impl Writing {
    /// Notes that a write has failed, if it was for such a reason.
    pub(super) fn failed(&self, error: &sqlx::Error) {
        if let Some(failure) = WriteFailure::of(error) {
            self.set(Some((failure, Instant::now())));
        }
    }

    /// Notes that a write has succeeded.
    pub(super) fn succeeded(&self) {
        if self.last().is_some() {
            self.set(None);
            tracing::info!("The database can be written again");
        }
    }

    fn last(&self) -> Option<(WriteFailure, Instant)> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, last: Option<(WriteFailure, Instant)>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }
}

impl Db {
    /// Why the database cannot be written for now, if it cannot. Nothing is asked of a database whose last write
    /// succeeded; after one that failed, some bytes are written and removed again, every five seconds at most.
    pub async fn write_failure(&self) -> Option<WriteFailure> {
        let writing = &self.shared.writing;
        writing.last()?;
        let _one_at_a_time = writing.probing.lock().await;
        let (failure, at) = writing.last()?;
        if at.elapsed() >= FRESH && self.probe().await.is_err() {
            // Other errors than such a one say no better.
            let (failure, _) = writing.last().unwrap_or((failure, at));
            writing.set(Some((failure, Instant::now())));
        }
        writing.last().map(|(failure, _)| failure)
    }

    async fn probe(&self) -> crate::Result<()> {
        let filler: String = std::iter::repeat_with(|| uuid::Uuid::new_v4().simple().to_string())
            .take(FILLER / 32)
            .collect();
        let mut tx = self.begin().await?;
        tx.query(FILL).bind(filler).execute().await?;
        tx.commit().await?;
        let mut tx = self.begin().await?;
        tx.query(EMPTY).execute().await?;
        tx.commit().await
    }
}
