//! `codexd backup` and `codexd restore`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use codex_core::{Scope, contacts::ContactIn, records::Author, store::Db};
use codex_tests::{
    harness::{
        TestResult,
        app::TestApp,
        child::{Ended, become_codexd, codexd, run},
        database::{self, TestDatabase},
    },
    on_each_engine,
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, migrate::Migrator, sqlite::SqliteConnectOptions};

const CHILD: &str = "backups::codexd_child_process";

#[test]
fn codexd_child_process() {
    become_codexd();
}

fn words(url: &str, command: &str) -> Vec<String> {
    let database = format!("database.connection_string={url}");
    let words = command.split(' ').chain(["--set", database.as_str()]);
    words.map(str::to_owned).collect()
}

/// Runs a command on a database, in the folder of another.
async fn on(folder: &Path, url: &str, command: &str) -> anyhow::Result<Ended> {
    run(CHILD, folder, &words(url, command)).await
}

/// Backs a database up; gives the file and what the command says of it.
async fn back_up(folder: &Path, url: &str, name: &str) -> anyhow::Result<(PathBuf, Value)> {
    let ended = on(folder, url, &format!("backup --to {name} --json")).await?;
    assert_eq!(ended.code, 0, "{ended:?}");
    Ok((folder.join(name), serde_json::from_str(&ended.out)?))
}

/// Names in a folder that begin with a dot: what is not finished.
fn unfinished(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names)
}

/// The tables of a backup, without the counters of changes: they go on when the restored names are indexed.
fn lasting(manifest: &Value) -> Vec<&Value> {
    let tables = manifest["tables"].as_array().into_iter().flatten();
    tables
        .filter(|table| table["name"] != "revisions")
        .collect()
}

/// An empty database of each engine.
async fn targets() -> anyhow::Result<Vec<TestDatabase>> {
    let all = [Some(database::sqlite()?), database::empty_postgres().await?];
    Ok(all.into_iter().flatten().collect())
}

on_each_engine! {
    async fn backup_is_restored_into_either_engine(app: TestApp) -> TestResult {
        app.sync().await?;
        let folder = app.database().folder();
        let (file, stated) = back_up(folder, app.database_url(), "one.gz").await?;
        let mode = fs::metadata(&file)?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let rows = |manifest: &Value, table: &str| {
            let tables = manifest["tables"].as_array().unwrap();
            let found = tables.iter().find(|one| one["name"] == table).unwrap();
            found["rows"].as_i64().unwrap()
        };
        let companies: Option<i64> = app.codex.db().query("select count(*) from companies").scalar().await?;
        assert_eq!(Some(rows(&stated, "companies")), companies);
        for table in ["companies", "contacts", "assets", "claims", "change_log", "conversations", "sync_jobs"] {
            assert!(rows(&stated, table) > 0, "{table}");
        }
        let verified = on(folder, app.database_url(), "backup --verify one.gz").await?;
        assert!(verified.code == 0 && verified.out.starts_with("Verified one.gz: "), "{verified:?}");
        assert_eq!(unfinished(folder)?, Vec::<String>::new(), "the scratch database is removed");

        for target in targets().await? {
            let from = file.display();
            let command = format!("restore --from {from} --to {}", target.url);
            // A database that is configured and not meant stays as it is.
            let restored = on(folder, "sqlite://not/meant.db", &command).await?;
            assert_eq!(restored.code, 0, "{restored:?}");
            assert!(!folder.join("not/meant.db").exists());
            let (_, again) = back_up(target.folder(), &target.url, "again.gz").await?;
            assert_eq!(lasting(&again), lasting(&stated), "{}", target.url);
            assert_eq!(again["migrations"], stated["migrations"]);
            // What is computed of the rows is there too, and new rows get numbers of their own.
            let db = Db::open(&target.url).await?;
            let names: Option<i64> = db.query("select count(*) from search_names").scalar().await?;
            assert!(names.unwrap() > 0);
            db.close().await;
            let twice = on(folder, app.database_url(), &command).await?;
            assert_eq!(twice.code, 1, "{twice:?}");
            assert!(twice.err.contains("the database is not empty"), "{}", twice.err);
        }
        Ok(())
    }

    async fn restored_database_works_with_new_records(app: TestApp) -> TestResult {
        app.sync().await?;
        let (file, _) = back_up(app.database().folder(), app.database_url(), "one.gz").await?;
        for target in targets().await? {
            let command = format!("restore --from {}", file.display());
            let restored = on(target.folder(), &target.url, &command).await?;
            assert_eq!(restored.code, 0, "{restored:?}");
            let url = target.url.clone();
            let other = TestApp::on(target).await?;
            let company = json!({"name": "New after the restore"});
            let created = other.call_as("admin", Method::POST, "/api/companies")?.json(&company).send().await?;
            assert_eq!(created.status(), 201, "{url}: {}", created.text().await?);
            let found = other.json("/api/search?q=restore").await?;
            assert_eq!(found["count"], 1, "{url}: {found}");
            let (own, theirs) = (app.json("/api/contacts").await?, other.json("/api/contacts").await?);
            assert_eq!(own, theirs, "{url}");
        }
        Ok(())
    }

    /// Each contact is written with its claims in one transaction.
    async fn backup_is_of_one_moment_while_others_write(app: TestApp) -> TestResult {
        app.sync().await?;
        let folder = app.database().folder();
        let (scope, author) = (Scope::system(), Author::new("test", app.codex.now()));
        let writing = async {
            for number in 0.. {
                let name = format!("Written meanwhile {number}");
                let contact = ContactIn { name: name.into(), ..ContactIn::default() };
                app.codex.create_contact(&scope, &author, &contact).await?.applied();
            }
            anyhow::Ok(())
        };
        let backups = async {
            for name in ["one.gz", "two.gz"] {
                back_up(folder, app.database_url(), name).await?;
            }
            anyhow::Ok(())
        };
        tokio::select! {
            ended = writing => return ended,
            done = backups => done?,
        }
        let target = database::sqlite()?;
        let command = format!("restore --from {}", folder.join("two.gz").display());
        let restored = on(target.folder(), &target.url, &command).await?;
        assert_eq!(restored.code, 0, "{restored:?}");
        let db = Db::open(&target.url).await?;
        let written: Option<i64> =
            db.query("select count(*) from contacts where name like 'Written meanwhile%'").scalar().await?;
        assert!(written.unwrap() > 0, "nothing was written meanwhile");
        let torn = "select count(*) from contacts r where name like 'Written meanwhile%' and not exists \
            (select 1 from claims c where c.kind = 'contact' and c.record_id = r.id and c.source = 'manual')";
        assert_eq!(db.query(torn).scalar::<i64>().await?, Some(0));
        Ok(())
    }

    async fn damaged_backups_are_refused_before_writing(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa"]).await?;
        let folder = app.database().folder();
        let (file, _) = back_up(folder, app.database_url(), "one.gz").await?;
        let whole = fs::read(&file)?;
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for (name, content, says) in [
            ("cut.gz", &whole[..whole.len() / 2], "the backup is incomplete"),
            ("short.gz", &whole[..whole.len() - 1], "the backup is incomplete"),
            ("flipped.gz", &flipped[..], "the backup is "),
            ("empty.gz", &[][..], "it is not a Codex backup"),
            ("other.gz", &b"a text"[..], "it is not a Codex backup"),
        ] {
            fs::write(folder.join(name), content)?;
            let target = database::sqlite()?;
            let command = format!("restore --from {}", folder.join(name).display());
            for ended in [
                on(target.folder(), &target.url, &command).await?,
                on(folder, app.database_url(), &format!("backup --verify {name}")).await?,
            ] {
                assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{name}: {ended:?}");
                assert!(ended.err.contains(says), "{name}: {}", ended.err);
                assert_eq!(ended.err.trim_end().lines().count(), 1, "{name}: {}", ended.err);
            }
            assert!(!target.folder().join("codex.db").exists(), "{name}");
        }
        let absent = on(folder, app.database_url(), "restore --from no.gz --to sqlite://new.db").await?;
        assert!(absent.code == 1 && absent.err.contains("no.gz"), "{absent:?}");
        Ok(())
    }

    async fn restore_refuses_a_database_in_use(app: TestApp) -> TestResult {
        let empty = on(app.database().folder(), app.database_url(), "backup --to empty.gz").await?;
        assert_eq!(empty.code, 0, "{empty:?}");
        let refused = on(app.database().folder(), app.database_url(), "restore --from empty.gz").await?;
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.err.contains("uses the database; stop it first"), "{}", refused.err);
        // The daemon has noticed nothing.
        assert_eq!(app.json("/api/companies").await?, json!([]));
        Ok(())
    }

    async fn backup_never_overwrites_a_file(app: TestApp) -> TestResult {
        let folder = app.database().folder();
        fs::write(folder.join("precious.txt"), "precious")?;
        for (name, says) in [("precious.txt", "exists; name a new file"), ("no/such/folder.gz", "cannot write")] {
            let ended = on(folder, app.database_url(), &format!("backup --to {name}")).await?;
            assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{ended:?}");
            assert!(ended.err.contains(says), "{}", ended.err);
        }
        assert_eq!(fs::read_to_string(folder.join("precious.txt"))?, "precious");
        let neither = on(folder, app.database_url(), "backup").await?;
        assert!(neither.code == 2 && neither.err.contains("--to FILE or --verify FILE"), "{neither:?}");
        let both = on(folder, app.database_url(), "backup --to a.gz --verify b.gz").await?;
        assert_eq!(both.code, 2, "{both:?}");
        Ok(())
    }

    /// Whatever the moment: there is no file under the name, or a whole one.
    async fn killed_backup_leaves_no_half_file(app: TestApp) -> TestResult {
        app.sync().await?;
        let folder = app.database().folder();
        for (number, wait) in [100, 300, 500, 700, 1_000, 1_500].into_iter().enumerate() {
            let name = format!("{number}.gz");
            let args = words(app.database_url(), &format!("backup --to {name}"));
            let mut child = codexd(CHILD, folder, &args)?;
            tokio::time::sleep(Duration::from_millis(wait)).await;
            child.kill().await.ok();
            if folder.join(&name).exists() {
                let ended = on(folder, app.database_url(), &format!("backup --verify {name}")).await?;
                assert_eq!(ended.code, 0, "{ended:?}");
            } else {
                back_up(folder, app.database_url(), &name).await?;
            }
            assert_eq!(unfinished(folder)?, Vec::<String>::new(), "the next run removes what is left");
        }
        Ok(())
    }
}

/// The schema that the first release had.
const FIRST_RELEASE: i64 = 38;

/// Rows that an older codexd has written are migrated with their tables.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_of_an_older_schema_is_migrated() -> TestResult {
    let source = database::sqlite()?;
    let file = source.folder().join("codex.db");
    let options = SqliteConnectOptions::new().filename(&file);
    let mut old = options.create_if_missing(true).connect().await?;
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite");
    let migrations = Migrator::new(migrations).await?;
    migrations.run_to(FIRST_RELEASE, &mut old).await?;
    sqlx::raw_sql(
        "insert into ticket_statuses (source, status_id, label) values ('test', 7, 'Waiting')",
    )
    .execute(&mut old)
    .await?;
    old.close().await?;
    let (backup, stated) = back_up(source.folder(), &source.url, "older.gz").await?;
    let newest = stated["migrations"].as_array().and_then(|all| all.last());
    assert_eq!(newest, Some(&json!(FIRST_RELEASE)));
    for target in targets().await? {
        let command = format!("restore --from {}", backup.display());
        let ended = on(target.folder(), &target.url, &command).await?;
        assert_eq!(ended.code, 0, "{ended:?}");
        let db = Db::open(&target.url).await?;
        assert!(db.schema_state().await?.missing.is_empty());
        let label = "select label from ticket_statuses where status_id = 7";
        let label: Option<String> = db.query(label).scalar().await?;
        assert_eq!(label.as_deref(), Some("Waiting"));
        db.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_of_a_newer_schema_is_refused() -> TestResult {
    let source = TestDatabase::on(database::sqlite()?).await?;
    let db = Db::open(&source.url).await?;
    let mut tx = db.begin().await?;
    tx.query(
        "insert into _sqlx_migrations select 9999, description, installed_on, success, checksum, \
         execution_time from _sqlx_migrations where version = 1",
    )
    .execute()
    .await?;
    tx.commit().await?;
    db.close().await;
    let (file, _) = back_up(source.folder(), &source.url, "newer.gz").await?;
    for target in targets().await? {
        let command = format!("restore --from {}", file.display());
        let ended = on(target.folder(), &target.url, &command).await?;
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{ended:?}");
        assert!(ended.err.contains("migration 9999"), "{}", ended.err);
        let is_empty = on(target.folder(), &target.url, "migrate --plan --json").await?;
        let pending: Vec<Value> = serde_json::from_str(&is_empty.out)?;
        let all = Db::migrations(codex_core::store::Engine::Sqlite).count();
        assert_eq!(pending.len(), all, "nothing was written");
    }
    Ok(())
}
