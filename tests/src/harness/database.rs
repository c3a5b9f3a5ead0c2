//! A database per test: a `SQLite` file, or a `PostgreSQL` database copied from a migrated template.

use std::{
    path::Path,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
};

use anyhow::{Context, bail};
use codex_core::store::Db;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// A database of a test; removed with it.
#[derive(Debug)]
pub struct TestDatabase {
    /// Its url.
    pub url: String,
    folder: TempDir,
}

impl TestDatabase {
    /// A folder of the test: a working directory without settings.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Another database with the same contents. Nobody may have this one open.
    ///
    /// # Errors
    /// When the engine cannot copy it.
    pub async fn copy(&self) -> anyhow::Result<Self> {
        let Some(path) = self.url.strip_prefix("sqlite://") else {
            let (server, name) = self.url.rsplit_once('/').context("a name")?;
            let copy = format!("{name}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
            create_from(server, &copy, name).await?;
            return Ok(Self {
                url: format!("{server}/{copy}"),
                folder: tempfile::tempdir()?,
            });
        };
        let copy = sqlite()?;
        let to = copy.url.strip_prefix("sqlite://").context("a path")?;
        std::fs::copy(path, to)?;
        // What the last connection did not write back yet.
        let wal = format!("{path}-wal");
        if Path::new(&wal).exists() {
            std::fs::copy(wal, format!("{to}-wal"))?;
        }
        Ok(copy)
    }

    /// Lets [`crate::on_each_engine`] hand a bare database to a test.
    pub async fn on(database: Self) -> anyhow::Result<Self> {
        let db = Db::open(&database.url).await?;
        db.migrate().await?;
        db.close().await;
        Ok(database)
    }
}

/// An empty `SQLite` file.
pub fn sqlite() -> anyhow::Result<TestDatabase> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite://{}", folder.path().join("codex.db").display());
    Ok(TestDatabase { url, folder })
}

/// A setting of the test run.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the tests that reads the environment"
)]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.url.starts_with("postgres") {
            // Nobody receives when the thread could not start: the database stays.
            let _ = DROPPED.send(self.url.clone());
        }
    }
}

/// Urls of the databases that tests are done with. A run makes a thousand, of 8 MB and more: together they fill a disk.
/// One thread drops them, so that no test waits; `PostgreSQL` writes a checkpoint for each.
static DROPPED: LazyLock<mpsc::Sender<String>> = LazyLock::new(|| {
    let (sender, urls) = mpsc::channel::<String>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        for url in urls {
            if let Ok(runtime) = &runtime
                && let Err(error) = runtime.block_on(drop_database(&url))
            {
                eprintln!("{url} stays: {error:#}");
            }
        }
    });
    sender
});

async fn drop_database(url: &str) -> anyhow::Result<()> {
    let (server, name) = url.rsplit_once('/').context("a name")?;
    let mut admin = connect(server).await?;
    let drop = format!("drop database if exists {name} with (force)");
    sqlx::query(AssertSqlSafe(drop)).execute(&mut admin).await?;
    Ok(admin.close().await?)
}

/// The first version of `PostgreSQL` of which a database can have an order of its own from ICU.
const ORDERS: i32 = 150_000;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A migrated `PostgreSQL` database; `None` when there is no server to test on.
///
/// # Errors
/// When the server is required but not there, or fails.
pub async fn postgres() -> anyhow::Result<Option<TestDatabase>> {
    let Some(server) = server()? else {
        return Ok(None);
    };
    let template = TEMPLATE.get_or_try_init(|| make_template(&server)).await?;
    let name = format!("{template}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    create_from(&server, &name, template).await?;
    Ok(Some(TestDatabase {
        url: format!("{server}/{name}"),
        folder: tempfile::tempdir()?,
    }))
}

/// A `PostgreSQL` database without tables; `None` when there is no server to test on.
///
/// # Errors
/// As [`postgres`].
pub async fn empty_postgres() -> anyhow::Result<Option<TestDatabase>> {
    let Some(server) = server()? else {
        return Ok(None);
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("codex_test_{}_{number}", std::process::id());
    create_from(&server, &name, "template0").await?;
    Ok(Some(TestDatabase {
        url: format!("{server}/{name}"),
        folder: tempfile::tempdir()?,
    }))
}

/// A migrated `PostgreSQL` database that knows the letters of ASCII alone: `LC_CTYPE` is `C`. `None` when there is no
/// server to test on.
///
/// # Errors
/// As [`postgres`].
pub async fn postgres_of_ascii() -> anyhow::Result<Option<TestDatabase>> {
    let Some(server) = server()? else {
        return Ok(None);
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("codex_test_{}_{number}", std::process::id());
    let mut admin = connect(&server).await?;
    // An order from ICU would bring its own letters.
    let provider = if version(&mut admin).await? >= ORDERS {
        "locale_provider libc"
    } else {
        ""
    };
    let create = format!(
        "create database {name} template template0 encoding 'UTF8' {provider} lc_collate 'C' lc_ctype 'C'"
    );
    sqlx::query(AssertSqlSafe(create))
        .execute(&mut admin)
        .await?;
    admin.close().await?;
    let database = TestDatabase {
        url: format!("{server}/{name}"),
        folder: tempfile::tempdir()?,
    };
    TestDatabase::on(database).await.map(Some)
}

/// The server to test on, if there is one.
fn server() -> anyhow::Result<Option<String>> {
    let server = setting("CODEX_TEST_POSTGRES");
    if server.is_none() {
        if setting("CODEX_REQUIRE_POSTGRES").is_some() {
            bail!("CODEX_TEST_POSTGRES is not set, and this run requires PostgreSQL");
        }
        eprintln!("SKIPPED on PostgreSQL: CODEX_TEST_POSTGRES is not set");
    }
    Ok(server)
}

/// Makes a database of another. Copying takes a lock on that; parallel tests wait for one another here, and for
/// connections that are about to close.
async fn create_from(server: &str, name: &str, template: &str) -> anyhow::Result<()> {
    let mut admin = connect(server).await?;
    let create = format!("create database {name} template {template}");
    for attempt in 0.. {
        match sqlx::query(AssertSqlSafe(create.clone()))
            .execute(&mut admin)
            .await
        {
            Ok(_) => break,
            Err(_) if attempt < 50 => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Err(error) => return Err(error).context("copying a database"),
        }
    }
    admin.close().await?;
    Ok(())
}

/// Test runs of one machine do not share a template: each process makes its own. It orders text as people do, where
/// the server can, so that a query that minds the order of a server is found.
async fn make_template(server: &str) -> anyhow::Result<String> {
    let name = format!("codex_test_{}", std::process::id());
    let mut admin = connect(server).await?;
    let drop = format!("drop database if exists {name}");
    sqlx::query(AssertSqlSafe(drop)).execute(&mut admin).await?;
    let order = if version(&mut admin).await? >= ORDERS {
        "template template0 locale_provider icu icu_locale 'en-US'"
    } else {
        ""
    };
    let create = format!("create database {name} {order}");
    sqlx::query(AssertSqlSafe(create))
        .execute(&mut admin)
        .await?;
    admin.close().await?;
    let db = Db::open(&format!("{server}/{name}")).await?;
    db.migrate().await?;
    db.close().await;
    Ok(name)
}

async fn version(admin: &mut PgConnection) -> anyhow::Result<i32> {
    let version = "select current_setting('server_version_num')::int";
    Ok(sqlx::query_scalar(version).fetch_one(admin).await?)
}

async fn connect(server: &str) -> anyhow::Result<PgConnection> {
    PgConnection::connect(&format!("{server}/postgres"))
        .await
        .context("connecting to PostgreSQL")
}
