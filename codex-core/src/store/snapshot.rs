//! Reading another program's database: in one snapshot, without writing, every value as text.
//!
//! Its tables are not ours, so its columns are found out first ([`Snapshot::columns`]), and rows are lists of texts in
//! the order of a select.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Postgres, Row as _, Sqlite,
    SqliteConnection,
    postgres::{PgConnectOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteRow},
};

use super::Engine;
use crate::{Error, Result};

/// How long a server may take to answer.
const CONNECT: Duration = Duration::from_secs(10);
/// How long to wait for the write transaction of another process.
const BUSY: Duration = Duration::from_secs(10);
/// A page of rows takes far less. The snapshot may stay open longer than our own transactions.
const PG_READING: &str = "set default_transaction_read_only = on; set statement_timeout = '60s'; \
    set lock_timeout = '10s'; set idle_in_transaction_session_timeout = 0";
const PG_BEGIN: &str = "begin transaction isolation level repeatable read read only";
const PG_COLUMNS: &str = "select cast(table_name as text), cast(column_name as text) \
    from information_schema.columns where table_schema = current_schema()";
const SQLITE_COLUMNS: &str = "select m.name, p.name from sqlite_master m \
    join pragma_table_info(m.name) p where m.type = 'table'";
/// A table that the role may change.
const PG_WRITABLE: &str = "select cast(c.relname as text) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
    where n.nspname = current_schema() and c.relkind = 'r' \
    and has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') order by c.relname limit 1";

/// A value of a key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
}

enum Inner {
    Sqlite(SqliteConnection),
    Pg(PgConnection),
}

/// One snapshot of a foreign database.
pub struct Snapshot(Inner);

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot")
    }
}

/// A url of the Flask service names its driver, such as `postgresql+psycopg2://`.
fn scheme_and_rest(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let scheme = scheme.split('+').next().unwrap_or(scheme);
    Some((scheme, rest))
}

impl Snapshot {
    /// Opens `postgresql://user:password@host/database`, `sqlite:path` or a path and begins a snapshot. What another process
    /// writes from now on is not in it. A `SQLite` database is read from a copy in the folder for temporary files: its
    /// writers wait while the copy is made, those of a database with write-ahead log not at all.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another kind of database or a file that is missing, [`Error::Db`] when it cannot be
    /// read.
    pub async fn open(url: &str) -> Result<Self> {
        match scheme_and_rest(url) {
            Some(("postgres" | "postgresql", rest)) => {
                Self::open_postgres(&format!("postgresql:{rest}")).await
            }
            Some(("sqlite", rest)) => {
                Self::open_sqlite(Path::new(rest.strip_prefix("//").unwrap_or(rest))).await
            }
            None => Self::open_sqlite(Path::new(url)).await,
            Some(_) => Err(Error::Unsupported(
                "the database to import from must be postgresql://user:password@host/database or sqlite:path".to_owned(),
            )),
        }
    }

    async fn open_postgres(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)?.application_name("codex import");
        let connect = PgConnection::connect_with(&options);
        let mut connection = tokio::time::timeout(CONNECT, connect)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        sqlx::raw_sql(PG_READING).execute(&mut connection).await?;
        sqlx::raw_sql(PG_BEGIN).execute(&mut connection).await?;
        Ok(Self(Inner::Pg(connection)))
    }

    async fn open_sqlite(path: &Path) -> Result<Self> {
        if !path.is_file() {
            let message = format!("there is no database file {}", path.display());
            return Err(Error::Unsupported(message));
        }
        let folder = ScratchFolder::create()?;
        let copy = folder.path().join("copy.db");
        let copied = async {
            let mut source = read_only(path).connect().await?;
            sqlx::query::<Sqlite>("vacuum into $1")
                .bind(copy.display().to_string())
                .execute(&mut source)
                .await?;
            source.close().await
        };
        copied.await.map_err(|error| {
            Error::Unsupported(format!(
                "{} cannot be copied to {}: {error}. Its folder must be writable if it has a write-ahead log; TMPDIR \
                 names another folder for the copy",
                path.display(),
                folder.path().display()
            ))
        })?;
        let mut connection = read_only(&copy).connect().await?;
        sqlx::raw_sql("begin").execute(&mut connection).await?;
        // The open file stays readable until the connection is closed, and no killed process leaves one behind.
        drop(folder);
        Ok(Self(Inner::Sqlite(connection)))
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        match self.0 {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Pg(_) => Engine::Postgres,
        }
    }

    /// The columns of every table.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn columns(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let sql = match self.0 {
            Inner::Sqlite(_) => SQLITE_COLUMNS,
            Inner::Pg(_) => PG_COLUMNS,
        };
        let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in self.texts(sql.to_owned(), &[]).await? {
            let mut row = row.into_iter().flatten();
            if let (Some(table), Some(column)) = (row.next(), row.next()) {
                tables.entry(table).or_default().insert(column);
            }
        }
        Ok(tables)
    }

    /// A table that the role may change; `None` for a role that can only read.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn writable_table(&mut self) -> Result<Option<String>> {
        if matches!(self.0, Inner::Sqlite(_)) {
            // The file is opened for reading alone.
            return Ok(None);
        }
        let rows = self.texts(PG_WRITABLE.to_owned(), &[]).await?;
        Ok(rows.into_iter().flatten().flatten().next())
    }

    /// The highest id that a table has ever given, as far as the engine knows it.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn last_id(&mut self, table: &'static str, has_sequences: bool) -> Result<i64> {
        let sql = match self.0 {
            Inner::Pg(_) => {
                "select cast(last_value as text) from pg_sequences \
                 where schemaname = current_schema() and sequencename = $1 || '_id_seq'"
            }
            Inner::Sqlite(_) if has_sequences => {
                "select cast(seq as text) from sqlite_sequence where name = $1"
            }
            Inner::Sqlite(_) => return Ok(0),
        };
        let rows = self
            .texts(sql.to_owned(), &[Key::Text(table.to_owned())])
            .await?;
        let last = rows.into_iter().flatten().flatten().next();
        Ok(last.and_then(|last| last.parse().ok()).unwrap_or_default())
    }

    /// The rows of a select whose columns are all texts. The caller puts `sql` together of constants and of names that
    /// it knows; every value is bound.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub(crate) async fn texts(
        &mut self,
        sql: String,
        binds: &[Key],
    ) -> Result<Vec<Vec<Option<String>>>> {
        let sql = AssertSqlSafe(sql);
        match &mut self.0 {
            Inner::Sqlite(connection) => {
                let mut query = sqlx::query::<Sqlite>(sql);
                for bind in binds {
                    query = match bind {
                        Key::Int(number) => query.bind(*number),
                        Key::Text(text) => query.bind(text.clone()),
                    };
                }
                let rows = query.fetch_all(connection).await?;
                rows.iter().map(sqlite_texts).collect()
            }
            Inner::Pg(connection) => {
                let mut query = sqlx::query::<Postgres>(sql);
                for bind in binds {
                    query = match bind {
                        Key::Int(number) => query.bind(*number),
                        Key::Text(text) => query.bind(text.clone()),
                    };
                }
                let rows = query.fetch_all(connection).await?;
                rows.iter().map(pg_texts).collect()
            }
        }
    }
}

fn read_only(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .create_if_missing(false)
        .busy_timeout(BUSY)
}

/// A new folder for temporary files that only its owner can read; it is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct ScratchFolder {
    path: PathBuf,
    /// Locked while the folder is in use: what a killed process has left is not.
    _lock: fs::File,
}

/// How the names of these folders begin.
const SCRATCH: &str = "codex-import-";
/// The file in them that is locked.
const LOCK: &str = "lock";

impl ScratchFolder {
    /// Removes what killed processes have left there, too.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the folder cannot be created.
    pub fn create() -> Result<Self> {
        let temporary = std::env::temp_dir();
        remove_abandoned(&temporary);
        let path = temporary.join(format!("{SCRATCH}{}", uuid::Uuid::new_v4()));
        let mut folder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        let created = folder.create(&path).and_then(|()| {
            let lock = fs::File::create_new(path.join(LOCK))?;
            lock.try_lock()?;
            Ok(lock)
        });
        match created {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err(error) => Err(Error::Unsupported(format!(
                "no folder can be created in {}: {error}; TMPDIR names another place",
                temporary.display()
            ))),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Removes the scratch folders that no process has locked. What cannot be removed stays.
fn remove_abandoned(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let is_scratch = entry.file_name().to_string_lossy().starts_with(SCRATCH);
        let lock = is_scratch.then(|| fs::File::open(entry.path().join(LOCK)));
        if let Some(Ok(lock)) = lock
            && lock.try_lock().is_ok()
        {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.path).ok();
    }
}

fn pg_texts(row: &PgRow) -> Result<Vec<Option<String>>> {
    let texts = (0..row.len()).map(|column| Ok(row.try_get::<Option<String>, _>(column)?));
    texts.collect()
}

/// `SQLite` keeps any bytes in a text: what is no UTF-8 is replaced, and NUL, which `PostgreSQL` refuses, is removed.
fn sqlite_texts(row: &SqliteRow) -> Result<Vec<Option<String>>> {
    let texts = (0..row.len()).map(|column| {
        let bytes = row.try_get_unchecked::<Option<Vec<u8>>, _>(column)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', "")))
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_of_urls_are_left_out() {
        let of = |url| scheme_and_rest(url).unwrap();
        assert_eq!(
            of("postgresql+psycopg2://a:b@c/d"),
            ("postgresql", "//a:b@c/d")
        );
        assert_eq!(of("sqlite:old.db"), ("sqlite", "old.db"));
        assert_eq!(of("sqlite:///old.db").1, "///old.db");
    }

    #[tokio::test]
    async fn missing_file_and_other_schemes_are_refused() {
        for url in ["sqlite:/nowhere/old.db", "mysql://host/db", "old.db"] {
            let error = Snapshot::open(url).await.unwrap_err();
            assert!(matches!(error, Error::Unsupported(_)), "{url}");
        }
    }

    #[tokio::test]
    async fn writers_do_not_wait_for_an_open_snapshot() {
        for mode in ["delete", "wal"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("old.db");
            let options = SqliteConnectOptions::new()
                .filename(&path)
                .create_if_missing(true)
                .busy_timeout(Duration::ZERO);
            let mut writer = options.connect().await.unwrap();
            let begin = format!("pragma journal_mode = {mode}; create table t (n integer);");
            let begin = sqlx::raw_sql(AssertSqlSafe(begin));
            begin.execute(&mut writer).await.unwrap();
            let mut snapshot = Snapshot::open(&format!("sqlite:{}", path.display()))
                .await
                .unwrap();
            let insert = sqlx::raw_sql("insert into t values (1)");
            insert.execute(&mut writer).await.unwrap();
            let count = "select cast(count(*) as text) from t".to_owned();
            let rows = snapshot.texts(count, &[]).await.unwrap();
            assert_eq!(rows, [[Some("0".to_owned())]], "{mode}");
            writer.close().await.unwrap();
        }
    }
}
