//! A database that can be read and not written: full disk, read-only server.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use codex_core::{Codex, Scope, jobs::JobStatus, store::WriteFailure, sync::SyncKind};
use codex_tests::{
    harness::{
        TestResult,
        app::TestApp,
        bench::TestBench,
        database::{self, TestDatabase},
        random_text,
    },
    sim::fault::{FaultKind, When},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// More than a disk ever holds.
const NO_LIMIT: u32 = 4_000_000_000;

/// Makes a contact; gives status, `Retry-After` and body.
async fn create(app: &TestApp) -> anyhow::Result<(StatusCode, Option<String>, Value)> {
    let body = json!({"name": random_text(800), "email": format!("{}@acme.test", random_text(20))});
    let call = app.call_as("admin", Method::POST, "/api/contacts")?;
    let answer = call.json(&body).send().await?;
    let wait = answer.headers().get("retry-after");
    let wait = wait.and_then(|wait| Some(wait.to_str().ok()?.to_owned()));
    Ok((answer.status(), wait, answer.json().await?))
}

/// The status of a path that needs no token.
async fn probe(app: &TestApp, path: &str) -> anyhow::Result<StatusCode> {
    Ok(app.call(Method::GET, path).send().await?.status())
}

async fn fill(app: &TestApp) -> anyhow::Result<(Option<String>, Value)> {
    // Pages that are begun hold a little more.
    for _ in 0..1_000 {
        match create(app).await? {
            (StatusCode::CREATED, ..) => {}
            (StatusCode::INSUFFICIENT_STORAGE, wait, body) => return Ok((wait, body)),
            (status, _, body) => anyhow::bail!("{status} {body}"),
        }
    }
    anyhow::bail!("the disk is never full")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_is_reported_and_writing_resumes() -> TestResult {
    let app = TestApp::on(database::sqlite()?).await?;
    app.sync().await?;
    for by_probe in [false, true] {
        app.codex.db().limit_pages(1);
        let (wait, body) = fill(&app).await?;
        assert_eq!(wait.as_deref(), Some("30"));
        assert!(
            body.to_string()
                .contains("the disk of the database is full"),
            "{body}"
        );
        // As long as it lasts it is so, and never another error; reading goes on.
        for _ in 0..3 {
            assert_eq!(create(&app).await?.0, 507);
        }
        assert_eq!(app.get("/api/contacts")?.send().await?.status(), 200);
        assert_eq!(probe(&app, "/health/live").await?, 200);
        assert_eq!(probe(&app, "/health/ready").await?, 503);
        let health = app.call(Method::GET, "/health").send().await?;
        assert_eq!(health.status(), 503);
        let health: Value = health.json().await?;
        assert_eq!(health["checks"]["database"]["status"], "unhealthy");
        assert_eq!(
            health["checks"]["database"]["error"],
            "the disk of the database is full"
        );

        app.codex.db().limit_pages(NO_LIMIT);
        if by_probe {
            // Nobody writes, for nobody is sent here: the question itself finds out.
            let since = Instant::now();
            while probe(&app, "/health/ready").await? != 200 {
                assert!(since.elapsed() < Duration::from_secs(12));
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            assert_eq!(
                app.codex
                    .db()
                    .query("select count(*) from write_probe")
                    .scalar::<i64>()
                    .await?,
                Some(0)
            );
        } else {
            assert_eq!(create(&app).await?.0, 201, "the first write after it");
            assert_eq!(probe(&app, "/health/ready").await?, 200);
        }
        assert_eq!(create(&app).await?.0, 201);
        assert_eq!(probe(&app, "/health").await?, 200);
    }
    Ok(())
}

#[tokio::test]
async fn broken_transactions_leave_a_usable_writer() -> TestResult {
    let database = TestDatabase::on(database::sqlite()?).await?;
    let codex = Codex::open(&database.url).await?;
    let db = codex.db();
    let insert = "insert into write_probe (filler) values ($1)";
    for end in ["drop", "rollback", "commit"] {
        db.limit_pages(1);
        let mut tx = db.begin().await?;
        let full = tx
            .query(insert)
            .bind(random_text(1_000_000))
            .execute()
            .await
            .unwrap_err();
        assert_eq!(full.write_failure(), Some(WriteFailure::Full), "{end}");
        match end {
            "rollback" => drop(tx.rollback().await),
            "commit" => assert!(
                tx.commit().await.is_err(),
                "what was undone is not said to last"
            ),
            _ => drop(tx),
        }
        db.limit_pages(NO_LIMIT);
        let mut tx = db.begin().await?;
        tx.query(insert).bind("x").execute().await?;
        tx.rollback().await?;
        assert_eq!(
            db.query("select count(*) from write_probe")
                .scalar::<i64>()
                .await?,
            Some(0),
            "{end}"
        );
    }
    codex.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn job_on_a_full_disk_ends_once_there_is_room() -> TestResult {
    let bench = TestBench::on(database::sqlite()?).await?;
    let (db, scope) = (bench.db(), Scope::system());
    // The end of a job takes room, which a full disk does not have.
    let trigger = "create trigger ends_take_room after update on sync_jobs when new.completed_at is not null \
        begin insert into write_probe (filler) values (hex(zeroblob(1000000))); end";
    let mut tx = db.begin().await?;
    tx.query(trigger).execute().await?;
    tx.commit().await?;
    let hang = FaultKind::Hang(Duration::from_secs(2));
    bench
        .freshservice
        .faults()
        .add("/api/v2/", When::First(1), hang);
    let started = bench.codex.start_sync(&scope, SyncKind::Psa).await?;
    let status = async || -> anyhow::Result<JobStatus> {
        let job = bench.codex.job(&scope, &started.job_id).await?;
        Ok(job.context("the job")?.status)
    };
    let since = Instant::now();
    while status().await? != JobStatus::Running {
        assert!(since.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    db.limit_pages(1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(status().await?, JobStatus::Running, "its end has no room");
    db.limit_pages(NO_LIMIT);
    let since = Instant::now();
    while !status().await?.is_over() {
        assert!(since.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let held = "select count(*) from sync_leases where job_id is not null";
    assert_eq!(bench.count(held).await?, 0);
    bench.sync(SyncKind::Psa).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_server_is_reported_until_it_recovers() -> TestResult {
    let Some(database) = database::postgres().await? else {
        return Ok(());
    };
    let app = TestApp::on(database).await?;
    let name = app
        .database_url()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    // New connections find another setting; the old ones end.
    let become_so = async |setting: &str| -> anyhow::Result<()> {
        let mut server = PgConnection::connect(app.database_url()).await?;
        let alter = format!("alter database {name} set default_transaction_read_only = {setting}");
        server
            .execute("set default_transaction_read_only = off")
            .await?;
        server.execute(AssertSqlSafe(alter)).await?;
        let end = "select pg_terminate_backend(pid) from pg_stat_activity \
            where datname = current_database() and pid <> pg_backend_pid()";
        server.execute(end).await?;
        server.close().await?;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        Ok(())
    };
    assert_eq!(create(&app).await?.0, 201);
    become_so("on").await?;
    let (status, wait, body) = create(&app).await?;
    assert_eq!(
        (status.as_u16(), wait.as_deref()),
        (503, Some("30")),
        "{body}"
    );
    assert!(
        body.to_string().contains("the database is read-only"),
        "{body}"
    );
    assert_eq!(probe(&app, "/health/ready").await?, 503);
    become_so("off").await?;
    assert_eq!(create(&app).await?.0, 201);
    assert_eq!(probe(&app, "/health/ready").await?, 200);
    Ok(())
}
