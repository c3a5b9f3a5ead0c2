//! Opening and migrating a database.

use std::{
    fs::OpenOptions,
    io,
    path::Path,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Db, Pools};
use crate::{Error, Result};

/// The oldest `PostgreSQL` that has what our statements use.
const PG_MINIMUM: i64 = 120_000;
/// The code of `PostgreSQL` for a database that does not exist.
const NO_SUCH_DATABASE: &str = "3D000";
/// How long a caller waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(5);
/// A connection to a server that was used this long ago is there still: asking it first would be one more way to the server
/// and back for every statement.
const FRESH: Duration = Duration::from_secs(1);
/// How long `SQLite` waits for another process's write transaction.
const BUSY: Duration = Duration::from_secs(10);
/// Rows that the thread of a `SQLite` connection reads ahead: with fewer it and its reader wake each other all the
/// time (a third of the system's time in a large download), with more they take memory.
const ROWS: usize = 512;
/// KiB of pages (the minus) that a connection which reads keeps to itself; the system has the file in memory anyway.
const READ_CACHE: &str = "-1000";
/// No statement of ours takes longer unless something is wrong. A process that stops inside a transaction
/// loses it before those who wait for its locks give up. By default the server plans for
/// spinning disks, and reads whole tables to avoid single pages.
const PG_SETTINGS: &str = "set statement_timeout = '60s'; set lock_timeout = '10s'; \
                           set idle_in_transaction_session_timeout = '5s'; \
                           select set_config('random_page_cost', '1.1', false) \
                           where current_setting('random_page_cost') = '4'";

impl Db {
    /// Opens `sqlite://path`, a bare path, or `postgres://...`; makes a missing `SQLite` file with
    /// its folder.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another scheme or a server below `PostgreSQL` 12, [`Error::Db`] when
    /// the database cannot be reached.
    pub async fn open(url: &str) -> Result<Self> {
        let pools = match url.split_once("://") {
            Some(("postgres" | "postgresql", _)) => open_postgres(url).await?,
            Some(("sqlite", path)) => open_sqlite(Path::new(path)).await?,
            None => open_sqlite(Path::new(url)).await?,
            Some((scheme, _)) => {
                return Err(Error::Unsupported(format!(
                    "a database url starts with sqlite:// or postgresql://, not {scheme}://"
                )));
            }
        };
        Ok(Self {
            pools,
            shared: Arc::default(),
        })
    }
}

async fn open_sqlite(path: &Path) -> Result<Pools> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(sqlx::Error::Io)?;
    }
    create_private(path).map_err(sqlx::Error::Io)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .pragma("temp_store", "memory")
        .row_buffer_size(ROWS)
        .optimize_on_close(true, None);
    let most_pages = Arc::new(AtomicU32::new(0));
    let (most, most_of_new) = (most_pages.clone(), most_pages.clone());
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .test_before_acquire(false)
        .before_acquire(move |connection, _| {
            let most = most.load(Ordering::Relaxed);
            Box::pin(async move {
                // After a full disk, an I/O error or an interrupt SQLite has undone the transaction by itself, which
                // sqlx goes on counting (https://www.sqlite.org/lang_transaction.html): another connection is clean.
                if connection.is_in_transaction() {
                    tracing::warn!(
                        "The connection that writes was left in a transaction: it is renewed"
                    );
                    return Ok(false);
                }
                limit(connection, most).await?;
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            let most = most_of_new.load(Ordering::Relaxed);
            Box::pin(async move { limit(connection, most).await })
        })
        .connect_with(options.clone().journal_mode(SqliteJournalMode::Wal))
        .await?;
    let reading = options
        .read_only(true)
        .create_if_missing(false)
        .pragma("cache_size", READ_CACHE);
    let renewed = Arc::new(Mutex::new(Instant::now()));
    let last = renewed.clone();
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(move |_, about| {
            let since = last
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .elapsed();
            Box::pin(async move { Ok(about.age < since) })
        })
        .connect_lazy_with(reading);
    Ok(Pools::Sqlite {
        readers,
        writer,
        renewed,
        most_pages,
    })
}

/// Creates the file for its owner alone, because it holds what clients entrust to the MSP. `SQLite` gives the files
/// beside it the same rights.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

/// Limits the file to a number of pages, unless that is 0.
async fn limit(connection: &mut SqliteConnection, pages: u32) -> sqlx::Result<()> {
    if pages > 0 {
        let limit = AssertSqlSafe(format!("pragma max_page_count = {pages}"));
        sqlx::raw_sql(limit).execute(connection).await?;
    }
    Ok(())
}

async fn open_postgres(url: &str) -> Result<Pools> {
    let options = PgConnectOptions::from_str(url)?.application_name("codex");
    // A pool reports a refused port only as its own time-out, so one plain connection goes first.
    let connect = PgConnection::connect_with(&options);
    let first = tokio::time::timeout(ACQUIRE, connect).await;
    let first = first.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
    let mut first = first.map_err(|error| refused(&options, error))?;
    let version: i64 = sqlx::query_scalar("select current_setting('server_version_num')::bigint")
        .fetch_one(&mut first)
        .await?;
    first.close().await?;
    if version < PG_MINIMUM {
        return Err(Error::Unsupported(format!(
            "PostgreSQL 12 or newer is needed, this server is version {}",
            version / 10_000
        )));
    }
    let pool = PgPoolOptions::new()
        .max_connections(10)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for >= FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(PG_SETTINGS).execute(connection).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.log_statements(tracing::log::LevelFilter::Trace));
    Ok(Pools::Pg(pool))
}

/// Why there is no connection: where the server does not answer, and where only the database is missing, with what to
/// do about it.
fn refused(options: &PgConnectOptions, error: sqlx::Error) -> Error {
    if let sqlx::Error::Io(error) = &error {
        let place = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let message =
            format!("no PostgreSQL answers at {place} ({error}); start it, or correct its address");
        return sqlx::Error::Io(io::Error::new(error.kind(), message)).into();
    }
    let is_missing = error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some(NO_SUCH_DATABASE));
    if !is_missing {
        return error.into();
    }
    let user = options.get_username();
    let name = options.get_database().unwrap_or(user);
    Error::Unsupported(format!(
        "PostgreSQL has no database `{name}`; create it with `createdb --owner={user} {name}`"
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[tokio::test]
    async fn new_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("instance/codex.db");
        let db = Db::open(path.to_str().unwrap()).await.unwrap();
        db.migrate().await.unwrap();
        for file in fs::read_dir(path.parent().unwrap()).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
        }
        db.close().await;
        // An existing file keeps the rights that its owner gave it.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        Db::open(path.to_str().unwrap())
            .await
            .unwrap()
            .close()
            .await;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
