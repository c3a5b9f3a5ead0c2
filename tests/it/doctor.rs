//! `codexd doctor`, and each case of docs/troubleshooting.md provoked.

use axum::{Json, Router, routing::get};
use codex_tests::{
    harness::{
        app::TestApp,
        child::{Ended, become_codexd, run},
        database::{self, TestDatabase},
    },
    on_each_engine, on_sqlite,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const CHILD: &str = "doctor::codexd_child_process";
/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn codexd_child_process() {
    become_codexd();
}

/// Runs a command with settings, in the folder of a database and on it.
async fn codexd(
    database: &TestDatabase,
    command: &str,
    settings: &[(&str, &str)],
) -> anyhow::Result<Ended> {
    let own = [
        ("database.connection_string", database.url.as_str()),
        // The disk of whoever runs the tests is none of their business.
        ("health.disk_degraded_percent", "100"),
        ("health.disk_unhealthy_percent", "100"),
    ];
    let mut words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    for (name, value) in own.iter().chain(settings) {
        words.extend(["--set".to_owned(), format!("{name}={value}")]);
    }
    run(CHILD, database.folder(), &words).await
}

/// What doctor finds of one thing, and its exit code.
async fn finding(
    database: &TestDatabase,
    check: &str,
    settings: &[(&str, &str)],
) -> anyhow::Result<(Value, i32)> {
    let ended = codexd(database, "doctor --json", settings).await?;
    let all: Vec<Value> = serde_json::from_str(&ended.out)?;
    // What is not well says what to do.
    for one in &all {
        let is_ok = one["status"] == "ok";
        assert_eq!(one["action"].is_string(), !is_ok, "{one}");
    }
    let found = all.iter().find(|one| one["check"] == check);
    Ok((found.cloned().unwrap_or_default(), ended.code))
}

fn says(value: &Value, text: &str) -> bool {
    value.as_str().is_some_and(|value| value.contains(text))
}

on_each_engine! {
    async fn healthy_installation_has_no_finding(app: TestApp) -> TestResult {
        app.sync().await?;
        let settings = [
            ("core.url", app.core.url()),
            ("freshservice.domain", app.freshservice.url()),
            ("freshservice.api_key", codex_tests::sim::freshservice::API_KEY),
        ];
        let ended = codexd(app.database(), "doctor", &settings).await?;
        assert_eq!(ended.code, 0, "{ended:?}");
        for check in ["configuration", "database", "versions", "schema", "freshservice", "core", "clock", "disk"] {
            let is_ok = |line: &str| {
                let mut words = line.split_whitespace();
                words.next() == Some("ok") && words.next() == Some(check)
            };
            assert!(ended.out.lines().any(is_ok), "{check}: {}", ended.out);
        }
        assert!(ended.out.contains("SQLite 3.") || ended.out.contains("PostgreSQL 1"), "{}", ended.out);
        Ok(())
    }

    /// Every command and the daemon leave a schema alone that they do not know.
    async fn newer_schema_is_refused_in_one_line(database: TestDatabase) -> TestResult {
        let db = codex_core::store::Db::open(&database.url).await?;
        let mut tx = db.begin().await?;
        let newer = "insert into _sqlx_migrations select 9999, description, installed_on, success, checksum, \
            execution_time from _sqlx_migrations where version = 1";
        tx.query(newer).execute().await?;
        tx.commit().await?;
        for command in ["serve --port 0", "migrate", "migrate --plan", "jobs list"] {
            let ended = codexd(&database, command, &[]).await?;
            assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{command}: {ended:?}");
            let line = "codexd: the database has the schema of a newer codexd (migration 9999); install that version\n";
            assert!(ended.err.ends_with(line), "{command}: {}", ended.err);
        }
        let (schema, code) = finding(&database, "schema", &[]).await?;
        assert!(code == 1 && says(&schema["message"], "9999"), "{schema}");
        assert!(says(&schema["action"], "install that version"), "{schema}");
        db.close().await;
        Ok(())
    }
}

on_sqlite! {
    async fn plan_lists_migrations_and_runs_none(database: TestDatabase) -> TestResult {
        let none = codexd(&database, "migrate --plan", &[]).await?;
        assert_eq!((none.code, none.out.as_str()), (0, "The database is up to date.\n"), "{none:?}");
        for new in [Some(database::sqlite()?), database::empty_postgres().await?].into_iter().flatten() {
            for _ in 0..2 {
                let plan = codexd(&new, "migrate --plan", &[]).await?;
                assert_eq!(plan.code, 0, "{plan:?}");
                assert!(plan.out.contains(" migrations are pending:\n  0001 core\n"), "{}", plan.out);
            }
            assert!(!new.folder().join("codex.db").exists(), "a plan creates no file");
            let done = codexd(&new, "migrate", &[]).await?;
            assert!(done.code == 0 && done.out.contains(" migrations to an empty database"), "{done:?}");
            let again = codexd(&new, "migrate --json", &[]).await?;
            let again: Value = serde_json::from_str(&again.out)?;
            assert_eq!((&again["applied"], &again["from"]), (&json!([]), &again["to"]), "{again}");
            let none = codexd(&new, "migrate --plan --json", &[]).await?;
            assert_eq!(none.out, "[]\n", "{none:?}");
        }
        Ok(())
    }

    /// `[database] connection_string` names the database of the Flask service.
    async fn foreign_database_names_the_remedy(database: TestDatabase) -> TestResult {
        drop(database);
        for foreign in [Some(database::sqlite()?), database::empty_postgres().await?].into_iter().flatten() {
            let db = codex_core::store::Db::open(&foreign.url).await?;
            let mut tx = db.begin().await?;
            tx.query("create table companies (account_number varchar(50) primary key)").execute().await?;
            tx.commit().await?;
            db.close().await;
            for command in ["serve --port 0", "migrate", "migrate --plan", "jobs list"] {
                let ended = codexd(&foreign, command, &[]).await?;
                assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{command}: {ended:?}");
                let line = "codexd: database: this is the database of the Flask service (or another program); \
                    name an empty one with `codexd init`, then import this one with `codexd import`\n";
                assert!(ended.err.ends_with(line), "{command}: {}", ended.err);
            }
            let (schema, code) = finding(&foreign, "schema", &[]).await?;
            assert!(code == 1 && says(&schema["message"], "Flask service"), "{schema}");
            assert!(says(&schema["action"], "`codexd init`"), "{schema}");
        }
        Ok(())
    }

    /// The database connection fails.
    async fn unreachable_database_names_what_to_check(database: TestDatabase) -> TestResult {
        let url = "postgresql://codex:hunter2@127.0.0.1:1/codex";
        let settings = [("database.connection_string", url), ("core.url", NOBODY)];
        let (found, code) = finding(&database, "database", &settings).await?;
        assert_eq!((code, &found["status"]), (1, &json!("error")), "{found}");
        assert!(says(&found["message"], "postgresql://codex:***@127.0.0.1:1/codex cannot be opened"), "{found}");
        assert!(says(&found["action"], "[database] connection_string"), "{found}");
        let serve = codexd(&database, "serve --port 0", &settings).await?;
        assert_eq!(serve.code, 1, "{serve:?}");
        assert!(serve.err.contains("codexd: cannot open postgresql://codex:***@127.0.0.1:1/codex"), "{}", serve.err);
        assert!(serve.err.contains("no PostgreSQL answers at 127.0.0.1:1 ("), "{}", serve.err);
        assert!(says(&found["message"], "no PostgreSQL answers at 127.0.0.1:1 ("), "{found}");
        assert!(!serve.err.contains("hunter2") && !found.to_string().contains("hunter2"));
        Ok(())
    }

    /// Callers get 401 or 503, since Core is not there.
    async fn absent_core_is_named_with_its_setting(database: TestDatabase) -> TestResult {
        let (found, code) = finding(&database, "core", &[("core.url", NOBODY)]).await?;
        assert_eq!((code, &found["status"]), (1, &json!("error")), "{found}");
        assert!(says(&found["message"], "cannot be reached"), "{found}");
        assert!(says(&found["action"], "start Core, or check [core] url (CORE_SERVICE_URL)"), "{found}");
        // Who works with local tokens can do without it.
        let local = [("core.url", NOBODY), ("auth.local_issuer", "on")];
        let (found, code) = finding(&database, "core", &local).await?;
        assert_eq!((code, &found["status"]), (0, &json!("warning")), "{found}");

        let app = TestApp::with(database, &[("core.url", NOBODY)]).await?;
        let refused = app.call(Method::GET, "/api/companies").send().await?;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        let refused = app.get("/api/companies")?.send().await?;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body: Value = refused.json().await?;
        assert!(says(&body["detail"], "HiveMatrix Core gives no keys"), "{body}");
        Ok(())
    }

    /// A sync fails.
    async fn refused_key_is_named_with_its_setting(app: TestApp) -> TestResult {
        let settings = [
            ("core.url", app.core.url()),
            ("freshservice.domain", app.freshservice.url()),
            ("freshservice.api_key", "withdrawn"),
        ];
        let (found, code) = finding(app.database(), "freshservice", &settings).await?;
        assert_eq!((code, &found["status"]), (1, &json!("error")), "{found}");
        assert!(says(&found["action"], "[freshservice] api_key"), "{found}");
        let sync = codexd(app.database(), "sync freshservice", &settings).await?;
        assert_eq!(sync.code, 1, "{sync:?}");
        assert!(format!("{}{}", sync.out, sync.err).contains("does not accept our key (401"), "{sync:?}");
        assert!(sync.err.contains("; check [freshservice] api_key"), "{sync:?}");
        let plan = codexd(app.database(), "sync freshservice --dry-run", &settings).await?;
        assert!(plan.code == 1 && plan.err.contains("; check [freshservice] api_key"), "{plan:?}");
        let closed = [("freshservice.domain", NOBODY), ("freshservice.api_key", "k")];
        let plan = codexd(app.database(), "sync freshservice --dry-run", &closed).await?;
        assert!(plan.code == 1 && plan.err.contains("; check [freshservice] domain"), "{plan:?}");
        let jobs = codexd(app.database(), "jobs list --json", &settings).await?;
        let jobs: Vec<Value> = serde_json::from_str(&jobs.out)?;
        let id = jobs[0]["job_id"].as_str().or(jobs[0]["id"].as_str()).unwrap();
        let job = app.json(&format!("/sync/status/{id}")).await?;
        assert_eq!(job["status"], "failed", "{job}");
        assert!(says(&job["error"], "does not accept our key"), "{job}");
        Ok(())
    }

    /// A command does not start.
    async fn unusable_settings_are_all_listed(database: TestDatabase) -> TestResult {
        std::fs::create_dir(database.folder().join("instance"))?;
        std::fs::write(database.folder().join("instance/codex.conf"), "[server]\nprt = 1\ncolour = red\n")?;
        let (found, code) = finding(&database, "configuration", &[]).await?;
        assert_eq!((code, &found["status"]), (1, &json!("error")), "{found}");
        assert!(says(&found["action"], "`codexd config`"), "{found}");
        let serve = codexd(&database, "serve", &[]).await?;
        assert!(serve.code == 2 && serve.err.contains("the configuration cannot be used"), "{serve:?}");
        let check = codexd(&database, "config --check", &[]).await?;
        assert_eq!(check.code, 2, "{check:?}");
        let said = format!("{}{}", check.out, check.err);
        assert!(said.contains("prt") && said.contains("`port`") && said.contains("colour"), "{said}");
        Ok(())
    }

    async fn wrong_clock_is_named(database: TestDatabase) -> TestResult {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let keys = || async { ([("date", "Tue, 01 Jan 2030 12:00:00 GMT")], Json(json!({"keys": []}))) };
        let core = Router::new().route("/.well-known/jwks.json", get(keys)).fallback(keys);
        let server = tokio::spawn(async move { axum::serve(listener, core).await });
        let (found, code) = finding(&database, "clock", &[("core.url", &url)]).await?;
        server.abort();
        assert_eq!((code, &found["status"]), (1, &json!("error")), "{found}");
        assert!(says(&found["message"], "HiveMatrix Core"), "{found}");
        assert!(says(&found["action"], "timedatectl"), "{found}");
        Ok(())
    }

    async fn full_disk_is_named(database: TestDatabase) -> TestResult {
        let settings = [("core.url", NOBODY), ("health.disk_unhealthy_percent", "0")];
        let (found, code) = finding(&database, "disk", &settings).await?;
        assert_eq!((code, &found["status"]), (1, &json!("error")), "{found}");
        assert!(says(&found["message"], "GB are free"), "{found}");
        Ok(())
    }
}
