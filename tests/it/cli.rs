//! Commands of codexd as people run them: tokens without Core, and duplicate candidates.

use std::{net::TcpListener, os::unix::fs::PermissionsExt as _, time::Duration};

use codex_core::store::Db;
use codex_tests::{
    harness::{
        app::TestApp,
        child::{Ended, become_codexd, codexd, run},
        database::TestDatabase,
        duplicates::candidate,
    },
    on_each_engine, on_sqlite,
    sim::core::Core,
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::Child;

const CHILD: &str = "cli::codexd_child_process";
const LOCAL: &str = "auth.local_issuer=on";

#[test]
fn codexd_child_process() {
    become_codexd();
}

/// A command with settings.
fn words(command: &str, settings: &[&str]) -> Vec<String> {
    let settings = settings.iter().flat_map(|setting| ["--set", *setting]);
    command
        .split(' ')
        .chain(settings)
        .map(str::to_owned)
        .collect()
}

fn database_of(url: &str) -> String {
    format!("database.connection_string={url}")
}

/// A daemon that is killed with its test.
struct Daemon {
    _child: Child,
    url: String,
    http: Client,
}

impl Daemon {
    /// Serves as `command` says; settings beside the database and Core are its own.
    async fn serve(
        database: &TestDatabase,
        core: &Core,
        command: &str,
        settings: &[&str],
    ) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (stored, url) = (
            database_of(&database.url),
            format!("core.url={}", core.url()),
        );
        let all = [&[stored.as_str(), url.as_str()][..], settings].concat();
        let args = words(&format!("{command} --port {port}"), &all);
        let mut child = codexd(CHILD, database.folder(), &args)?;
        let http = Client::builder().timeout(Duration::from_secs(60)).build()?;
        let url = format!("http://127.0.0.1:{port}");
        for _ in 0..1_200 {
            if http.get(format!("{url}/health/live")).send().await.is_ok() {
                return Ok(Self {
                    _child: child,
                    url,
                    http,
                });
            }
            if let Some(status) = child.try_wait()? {
                anyhow::bail!("codexd ended before it listened: {status}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("codexd does not listen")
    }

    async fn status(&self, method: Method, path: &str, token: &str) -> anyhow::Result<StatusCode> {
        let call = self.http.request(method, format!("{}{path}", self.url));
        let call = call.bearer_auth(token).json(&json!({"name": "Acme"}));
        Ok(call.send().await?.status())
    }
}

/// Runs `codexd duplicates` beside a daemon.
async fn on_database(app: &TestApp, command: &str) -> anyhow::Result<Ended> {
    let args = words(command, &[&database_of(app.database_url())]);
    run(CHILD, app.database().folder(), &args).await
}

async fn duplicates(app: &TestApp, command: &str) -> anyhow::Result<Ended> {
    on_database(app, &format!("duplicates {command}")).await
}

on_each_engine! {
    async fn dry_run_of_renumber_writes_nothing(app: TestApp) -> TestResult {
        app.sync().await?;
        let plan = on_database(&app, "accounts renumber 100001 654321 --dry-run").await?;
        assert_eq!((plan.code, plan.out.as_str()), (0, "would update company 100001 (account_number)\n"), "{plan:?}");
        assert_eq!(app.get("/api/companies/654321")?.send().await?.status(), 404);
        let done = on_database(&app, "accounts renumber 100001 654321").await?;
        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!(app.json("/api/companies/654321").await?["account_number"], "654321");
        Ok(())
    }

    async fn duplicates_are_listed_merged_and_rejected(app: TestApp) -> TestResult {
        let none = duplicates(&app, "list").await?;
        assert_eq!((none.code, none.out.as_str()), (0, "No duplicate candidate waits for a decision.\n"), "{none:?}");
        let (first, older, newer) = candidate(&app, &json!({"name": "Ann"})).await?;
        let (second, one, other) = candidate(&app, &json!({"name": "Bob"})).await?;
        let list = duplicates(&app, "list").await?;
        assert_eq!(list.code, 0, "{list:?}");
        let lines: Vec<&str> = list.out.lines().collect();
        // Below the head the newest is first.
        assert_eq!(lines.len(), 3, "{list:?}");
        for (line, id, records) in [(lines[1], second, [one, other]), (lines[2], first, [older, newer])] {
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(cells[..4], [id.to_string().as_str(), "open", "50", "contact"], "{line}");
            assert!(records.iter().all(|id| line.contains(&format!("{id} `"))), "{line}");
        }
        let of_assets = duplicates(&app, "list --kind asset").await?;
        assert!(of_assets.out.starts_with("No duplicate candidate"), "{of_assets:?}");
        let json: Value = serde_json::from_str(&duplicates(&app, "list --json --limit 1").await?.out)?;
        assert_eq!((json[0]["id"].as_i64(), json.as_array().unwrap().len()), (Some(second), 1));

        let status = async |id: i64| -> anyhow::Result<u16> {
            Ok(app.get(&format!("/api/contacts/{id}"))?.send().await?.status().as_u16())
        };
        let told = duplicates(&app, &format!("merge {first} --keep {newer} --dry-run")).await?;
        assert!(told.code == 0 && told.out.lines().all(|line| line.starts_with("would ")), "{told:?}");
        assert!(!told.out.is_empty());
        assert_eq!((status(older).await?, status(newer).await?), (200, 200), "nothing was changed");
        let wrong = duplicates(&app, &format!("merge {first} --keep {one}")).await?;
        assert_eq!(wrong.code, 1, "{wrong:?}");
        let merged = duplicates(&app, &format!("merge {first} --keep {newer}")).await?;
        assert!(merged.code == 0 && merged.out.contains("merged"), "{merged:?}");
        assert_eq!((status(older).await?, status(newer).await?), (404, 200));
        let rejected = duplicates(&app, &format!("reject {second}")).await?;
        assert!(rejected.code == 0 && rejected.out.contains("rejected"), "{rejected:?}");
        assert_eq!((status(one).await?, status(other).await?), (200, 200));
        for decided in [format!("merge {first}"), format!("reject {second}"), "reject 999999".to_owned()] {
            let ended = duplicates(&app, &decided).await?;
            assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{decided}: {ended:?}");
            assert!(ended.err.starts_with("codexd: "), "{decided}: {ended:?}");
        }
        assert!(duplicates(&app, "list").await?.out.starts_with("No duplicate candidate"));
        let all = duplicates(&app, "list --all").await?;
        assert_eq!(all.out.lines().count(), 3, "{all:?}");
        let by = "select decided_by from duplicate_candidates where id = $1";
        let db = Db::open(app.database_url()).await?;
        let by: Option<Option<String>> = db.query(by).bind(first).scalar().await?;
        assert_eq!(by.flatten().as_deref(), Some("system"));
        Ok(())
    }
}

on_sqlite! {
    async fn local_token_requires_configuration(database: TestDatabase) -> TestResult {
        let core = Core::start().await?;
        let ended = run(CHILD, database.folder(), &words("token --role admin", &[])).await?;
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{ended:?}");
        assert!(ended.err.contains("local_issuer"), "{}", ended.err);
        assert!(!database.folder().join("instance/local-issuer.pem").exists());
        // A daemon of which nobody has said so takes none either.
        let token = run(CHILD, database.folder(), &words("token --role admin", &[LOCAL])).await?;
        assert_eq!(token.code, 0, "{}", token.err);
        let daemon = Daemon::serve(&database, &core, "serve", &[]).await?;
        let refused = daemon.status(Method::GET, "/api/companies", token.out.trim()).await?;
        assert_eq!(refused, StatusCode::UNAUTHORIZED);
        let own = core.key.user("admin", "admin@msp.example")?;
        assert_eq!(daemon.status(Method::GET, "/api/companies", &own).await?, StatusCode::OK);
        Ok(())
    }

    async fn local_token_works_with_its_role(database: TestDatabase) -> TestResult {
        let core = Core::start().await?;
        let daemon = Daemon::serve(&database, &core, "serve", &[LOCAL]).await?;
        let key = database.folder().join("instance/local-issuer.pem");
        for (role, read, write) in [
            ("admin", 200, 201), ("technician", 200, 201), ("billing", 200, 403), ("client --email ann@acme.example", 200, 403),
        ] {
            let made = run(CHILD, database.folder(), &words(&format!("token --role {role}"), &[LOCAL])).await?;
            assert_eq!((made.code, made.out.lines().count()), (0, 1), "{role}: {}", made.err);
            let token = made.out.trim();
            assert_eq!(daemon.status(Method::GET, "/api/companies", token).await?, read, "{role}");
            assert_eq!(daemon.status(Method::POST, "/api/companies", token).await?, write, "{role}");
            let (head, signature) = token.rsplit_once('.').unwrap();
            let turned: String = signature.chars().rev().collect();
            let forged = daemon.status(Method::GET, "/api/companies", &format!("{head}.{turned}")).await?;
            assert_eq!(forged, StatusCode::UNAUTHORIZED, "{role}");
        }
        assert_eq!(std::fs::metadata(&key)?.permissions().mode() & 0o777, 0o600);
        // Core's tokens go on working beside them.
        let own = core.key.user("admin", "admin@msp.example")?;
        assert_eq!(daemon.status(Method::GET, "/api/companies", &own).await?, StatusCode::OK);
        Ok(())
    }

    async fn local_tokens_require_loopback_or_insecure(database: TestDatabase) -> TestResult {
        let core = Core::start().await?;
        let stored = database_of(&database.url);
        let args = words("serve --bind 0.0.0.0 --port 0", &[LOCAL, &stored]);
        let ended = run(CHILD, database.folder(), &args).await?;
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.err.contains("--insecure") && !ended.out.contains("listens"), "{ended:?}");
        let token = run(CHILD, database.folder(), &words("token --role technician", &[LOCAL])).await?;
        let daemon = Daemon::serve(&database, &core, "serve --bind 0.0.0.0 --insecure", &[LOCAL]).await?;
        let answer = daemon.status(Method::GET, "/api/companies", token.out.trim()).await?;
        assert_eq!(answer, StatusCode::OK);
        Ok(())
    }
}
