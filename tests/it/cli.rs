//! Commands of codexd as people run them: tokens without Core, and duplicate candidates.

use std::{net::TcpListener, os::unix::fs::PermissionsExt as _, time::Duration};

use codex_core::store::Db;
use codex_tests::{
    harness::{
        app::TestApp,
        child::{Ended, become_codexd, codexd, codexd_logging_to, run},
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
        let wrong = on_database(&app, "accounts renumber 100001 6543").await?;
        assert!(wrong.code == 2 && wrong.err.contains("six digits"), "{wrong:?}");
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
        let reported = duplicates(&app, &format!("merge {first} --keep {newer} --dry-run")).await?;
        assert!(reported.code == 0 && reported.out.lines().all(|line| line.starts_with("would ")), "{reported:?}");
        assert!(!reported.out.is_empty());
        assert_eq!((status(older).await?, status(newer).await?), (200, 200), "nothing was changed");
        let wrong = duplicates(&app, &format!("merge {first} --keep {one}")).await?;
        assert_eq!(wrong.code, 2, "{wrong:?}");
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
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains("--insecure") && !ended.out.contains("listens"), "{ended:?}");
        let token = run(CHILD, database.folder(), &words("token --role technician", &[LOCAL])).await?;
        let daemon = Daemon::serve(&database, &core, "serve --bind 0.0.0.0 --insecure", &[LOCAL]).await?;
        let answer = daemon.status(Method::GET, "/api/companies", token.out.trim()).await?;
        assert_eq!(answer, StatusCode::OK);
        Ok(())
    }

    async fn wrong_command_lines_are_explained_in_one_line(database: TestDatabase) -> TestResult {
        for (command, right) in [
            ("synk", "'sync'"), ("sync dato", "did you mean `datto`?"), ("sync datto --lihgt", "'--light'"),
            ("sync --light", "SOURCE"), ("jobs list --limit 0", "a number from 1 to 500"), ("duplicates list --limit x", "a number from 1 to 500"),
            ("claims show foo 1", "one of company, contact"), ("jobs shwo x", "'show'"),
            ("completions tcsh", "fish"),
        ] {
            let ended = run(CHILD, database.folder(), &words(command, &[])).await?;
            assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{command}: {ended:?}");
            assert_eq!(ended.err.trim_end().lines().count(), 1, "{command}: {}", ended.err);
            assert!(ended.err.starts_with("codexd: ") && ended.err.contains(right), "{command}: {}", ended.err);
            assert!(ended.err.contains("--help`"), "{command}: {}", ended.err);
        }
        Ok(())
    }

    /// Behind `2>&1 | true` nobody reads standard error.
    async fn closed_standard_error_keeps_the_exit_code(database: TestDatabase) -> TestResult {
        for (command, code) in [("synk", 2), ("jobs show x", 1), ("config --check", 0)] {
            let (reader, writer) = std::io::pipe()?;
            drop(reader);
            let args = words(command, &[&database_of(&database.url)]);
            let mut child = codexd_logging_to(writer.into(), CHILD, database.folder(), &args)?;
            assert_eq!(child.wait().await?.code(), Some(code), "{command}");
        }
        Ok(())
    }

    async fn wrong_usage_exits_with_2(database: TestDatabase) -> TestResult {
        let stored = database_of(&database.url);
        let vendors = [
            "datto.public_key=k", "datto.secret_key=s", "freshservice.domain=http://127.0.0.1:1", "freshservice.api_key=k",
        ];
        let configured = [&[stored.as_str(), LOCAL][..], &vendors].concat();
        let bare = [stored.as_str()];
        std::fs::write(database.folder().join("plan.json"), "{}")?;
        for (command, settings, says) in [
            ("sync datto --scope nope", &configured[..], "`nope`"),
            ("sync datto --scope nope --dry-run", &configured, "`nope`"),
            ("sync datto --since 2026-01-31", &configured, "since"),
            ("sync tickets --since 2199-01-01", &configured, "since: is in the future"),
            ("sync tickets --since yesterday", &configured, "YYYY-MM-DD"),
            ("sync datto --light", &configured, "codexd sync tickets"),
            ("sync all --full", &configured, "one source"),
            ("sync plan all -o all.json", &configured, "one source"),
            ("sync apply plan.json", &configured, "not a plan of codexd"),
            ("outbox send", &bare, "Freshservice is not configured"),
            ("outbox retry 1", &bare, "Freshservice is not configured"),
            ("outbox retry 1", &configured, "[upstream] write = on"),
            ("init", &bare, "--headless"),
            ("init --headless --db-password p --db-host a/b", &bare, "--db-host: `a/b`"),
            ("token --role admin --sub ", &configured, "--sub"),
            ("import run --from sqlite:old.db --accept-warnings absent.txt", &bare, "absent.txt"),
            ("restore --from one.gz --to mysql://x", &bare, "sqlite://"),
            ("restore --from one.gz --to sqlite://nodir/new.db", &bare, "there is no folder nodir"),
        ] {
            let ended = run(CHILD, database.folder(), &words(command, settings)).await?;
            assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{command}: {ended:?}");
            assert!(ended.err.contains(says), "{command}: {}", ended.err);
            assert_eq!(ended.err.trim_end().lines().count(), 1, "{command}: {}", ended.err);
        }
        Ok(())
    }

    async fn missing_and_older_databases_name_the_remedy(database: TestDatabase) -> TestResult {
        let path = database.folder().join("own/codex.db");
        let url = database_of(&format!("sqlite://{}", path.display()));
        let command = async |command: &str| run(CHILD, database.folder(), &words(command, &[&url])).await;
        let key = " --set freshservice.domain=http://127.0.0.1:1 --set freshservice.api_key=k";
        let dry_run = format!("sync freshservice --dry-run{key}");
        let plan = format!("sync plan freshservice -o plan.json{key}");
        for list in [
            "jobs list", "held", "outbox", "duplicates list", "claims show company 100001", "sync --schedule",
            "accounts renumber 100000 100001", "accounts renumber 100000 100001 --dry-run", dry_run.as_str(), plan.as_str(),
        ] {
            let ended = command(list).await?;
            assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{list}: {ended:?}");
            assert!(ended.err.contains("does not exist; `codexd migrate`"), "{list}: {}", ended.err);
        }
        let migrate = command("migrate").await?;
        assert!(migrate.code == 2 && migrate.err.contains("there is no folder "), "{migrate:?}");
        assert!(!path.parent().unwrap().exists(), "no command creates a folder");
        std::fs::create_dir(database.folder().join("own"))?;
        std::fs::write(&path, "")?;
        let older = command("jobs list").await?;
        assert_eq!(older.code, 1, "{older:?}");
        assert!(older.err.contains("older codexd; run `codexd migrate`"), "{}", older.err);
        assert_eq!(older.err.trim_end().lines().count(), 1, "{}", older.err);
        assert_eq!(command("migrate").await?.code, 0);
        let none = command("jobs list").await?;
        assert_eq!((none.code, none.out.as_str()), (0, "No sync has run yet.\n"), "{none:?}");
        assert_eq!(command("jobs list --json").await?.out, "[]\n");
        let unknown = command("jobs show x").await?;
        assert!(unknown.code == 1 && unknown.err.contains("`codexd jobs list`"), "{unknown:?}");
        Ok(())
    }

    async fn occupied_port_is_named(database: TestDatabase) -> TestResult {
        let taken = TcpListener::bind("127.0.0.1:0")?;
        let port = taken.local_addr()?.port();
        let stored = database_of(&database.url);
        let ended = run(CHILD, database.folder(), &words(&format!("serve --port {port}"), &[&stored])).await?;
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.err.contains(&format!("port {port}")) && ended.err.contains("--port"), "{}", ended.err);
        Ok(())
    }

    async fn sync_without_a_source_lists_the_sources(database: TestDatabase) -> TestResult {
        let settings = ["datto.public_key=k", "datto.secret_key=s"];
        let list = run(CHILD, database.folder(), &words("sync", &settings)).await?;
        assert_eq!(list.code, 0, "{list:?}");
        let configured = |source: &str| {
            let line = list.out.lines().find(|line| line.split_whitespace().next() == Some(source));
            line.and_then(|line| line.split_whitespace().nth(1))
        };
        assert_eq!((configured("SOURCE"), configured("datto-audits")), (Some("CONFIGURED"), Some("yes")), "{list:?}");
        assert_eq!(configured("keycloak"), Some("no"));
        assert!(list.out.contains("set [freshservice] domain"), "{}", list.out);
        let json = run(CHILD, database.folder(), &words("sync --json", &settings)).await?;
        let json: Value = serde_json::from_str(&json.out)?;
        assert_eq!(json.as_array().map(Vec::len), Some(9));
        assert!(json.as_array().unwrap().iter().all(|one| one["syncs"].is_string()), "{json}");
        Ok(())
    }

    async fn settings_are_printed_as_json_without_secrets(database: TestDatabase) -> TestResult {
        let settings = ["datto.public_key=hunter2", "datto.secret_key=hunter3", "server.port=5011"];
        let ended = run(CHILD, database.folder(), &words("config --json", &settings)).await?;
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(!ended.out.contains("hunter"), "{}", ended.out);
        let json: Value = serde_json::from_str(&ended.out)?;
        let port = json.as_array().unwrap().iter().find(|one| one["section"] == "server" && one["key"] == "port");
        assert_eq!(port.unwrap()["value"], "5011");
        Ok(())
    }

    async fn completions_are_printed_for_each_shell(database: TestDatabase) -> TestResult {
        for shell in ["bash", "zsh", "fish"] {
            let ended = run(CHILD, database.folder(), &words(&format!("completions {shell}"), &[])).await?;
            assert_eq!(ended.code, 0, "{shell}: {ended:?}");
            assert!(ended.out.contains("duplicates") && ended.out.contains("codexd"), "{shell}");
        }
        Ok(())
    }
}
