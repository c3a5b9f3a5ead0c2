//! What Helm needs of a module that it starts, finds, asks for its health and stops. How it is started and under which
//! name is in tests/scripts.

use std::{
    net::TcpListener as StdListener,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use codex_tests::{
    harness::{
        TestResult,
        child::{become_codexd, codexd, run},
    },
    sim::core::Core,
};
use futures::future::join_all;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    process::Child,
};

const CHILD: &str = "helm_protocol::codexd_child_process";
/// How long Helm waits for an answer.
const HEALTH: Duration = Duration::from_secs(2);
/// Half of the time after which Helm kills.
const STOP: Duration = Duration::from_secs(5);

#[test]
fn codexd_child_process() {
    become_codexd();
}

/// A daemon in a folder of its own, as Helm starts one; killed with its test.
struct Daemon {
    child: Child,
    port: u16,
    folder: TempDir,
    http: Client,
}

fn words(command: &str, folder: &Path, settings: &[(&str, &str)]) -> Vec<String> {
    let database = format!("sqlite://{}/codex.db", folder.display());
    let own = [
        ("database.connection_string", database.as_str()),
        // The disk of whoever runs the tests is none of their business.
        ("health.disk_degraded_percent", "100"),
        ("health.disk_unhealthy_percent", "100"),
    ];
    let settings = own.iter().chain(settings);
    let settings =
        settings.flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={value}")]);
    let command = command.split(' ').map(str::to_owned);
    command.chain(settings).collect()
}

impl Daemon {
    async fn start(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = StdListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let args = words(&format!("serve --port {port}"), folder.path(), settings);
        let child = codexd(CHILD, folder.path(), &args)?;
        let mut daemon = Self {
            child,
            port,
            folder,
            http: Client::builder().no_proxy().build()?,
        };
        for _ in 0..1_200 {
            if daemon.get("/health/live").send().await.is_ok() {
                return Ok(daemon);
            }
            if let Some(status) = daemon.child.try_wait()? {
                anyhow::bail!("codexd ended before it listened: {status}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("codexd does not listen")
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.http.get(url)
    }

    /// Ends it as Helm does; how long that took, and its exit code.
    async fn stop(mut self) -> anyhow::Result<(Duration, Option<i32>)> {
        let pid = self.child.id().context("it has ended")?.to_string();
        let begun = Instant::now();
        let sent = std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .stdin(Stdio::null())
            .status()?;
        anyhow::ensure!(sent.success(), "the signal was not sent");
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait());
        let status = ended.await.context("it does not end")??;
        Ok((begun.elapsed(), status.code()))
    }
}

/// How a Core behaves that does not answer as it should.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Accepts connections and says nothing.
    Silent,
    /// Sends a head that has no end.
    Dripping,
    /// Sends what is no HTTP.
    Garbled,
    /// Closes every connection.
    HangsUp,
    /// Sends the caller round in circles.
    Redirects,
}

async fn troubled_core(trouble: Trouble) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(misbehave(stream, trouble));
        }
    });
    Ok(url)
}

async fn misbehave(mut stream: TcpStream, trouble: Trouble) -> std::io::Result<()> {
    match trouble {
        Trouble::Silent => std::future::pending().await,
        Trouble::HangsUp => Ok(()),
        Trouble::Garbled => stream.write_all(b"good morning\r\n\r\n").await,
        Trouble::Dripping => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-long: ").await?;
            loop {
                stream.write_all(b"x").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Trouble::Redirects => {
            let mut request = [0; 4096];
            while stream.read(&mut request).await? > 0 {
                let answer =
                    b"HTTP/1.1 302 Found\r\nlocation: /health\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(answer).await?;
            }
            Ok(())
        }
    }
}

#[tokio::test]
async fn health_is_quick_whatever_core_does() -> TestResult {
    for trouble in [
        Trouble::Silent,
        Trouble::Dripping,
        Trouble::Garbled,
        Trouble::HangsUp,
        Trouble::Redirects,
    ] {
        let core = troubled_core(trouble).await?;
        let daemon = Daemon::start(&[("core.url", &core)]).await?;
        let begun = Instant::now();
        let answers = join_all((0..4).map(|_| daemon.get("/health").send())).await;
        assert!(
            begun.elapsed() < HEALTH,
            "{trouble:?}: {:?}",
            begun.elapsed()
        );
        for answer in answers {
            let answer = answer?;
            assert_eq!(
                answer.status(),
                StatusCode::SERVICE_UNAVAILABLE,
                "{trouble:?}"
            );
            let health: Value = answer.json().await?;
            assert_eq!(health["status"], "degraded", "{trouble:?}: {health}");
            let core = &health["checks"]["dependencies"]["core"];
            assert_eq!(core["status"], "unhealthy", "{trouble:?}: {health}");
        }
    }
    Ok(())
}

/// The question to Core ends with the caller who asked it; those who wait for its answer ask again.
#[tokio::test]
async fn callers_that_hang_up_do_not_delay_health() -> TestResult {
    let core = troubled_core(Trouble::Silent).await?;
    let daemon = Daemon::start(&[("core.url", &core)]).await?;
    let hasty = daemon
        .get("/health")
        .timeout(Duration::from_millis(900))
        .send();
    let patient = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        let answer = daemon.get("/health").send().await;
        (begun.elapsed(), answer)
    };
    let (hasty, (took, answer)) = tokio::join!(hasty, patient);
    assert!(hasty.is_err());
    assert_eq!(answer?.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(took < HEALTH, "{took:?}");
    Ok(())
}

#[tokio::test]
async fn sigterm_ends_a_busy_daemon_within_five_seconds() -> TestResult {
    let core = Core::start().await?;
    let vendor = troubled_core(Trouble::Silent).await?;
    let settings = [
        ("core.url", core.url()),
        ("freshservice.domain", vendor.as_str()),
        ("freshservice.api_key", "k"),
        ("scheduler.sync_psa_enabled", "false"),
        ("scheduler.sync_tickets_enabled", "false"),
    ];
    let daemon = Daemon::start(&settings).await?;
    let token = core.key.user("admin", "admin@msp.example")?;
    let url = format!("http://127.0.0.1:{}/sync/psa", daemon.port);
    let started = daemon.http.post(url).bearer_auth(&token).send().await?;
    let started: Value = started.error_for_status()?.json().await?;
    let job = started["job_id"].as_str().context("no job")?;
    // A reader of events that never hangs up, and a writer who does not send what was announced.
    let events = daemon.get(&format!("/sync/jobs/{job}/events"));
    let events = events.bearer_auth(&token).send().await?;
    assert_eq!(events.status(), StatusCode::OK);
    let mut writer = TcpStream::connect(("127.0.0.1", daemon.port)).await?;
    let head = format!(
        "POST /api/companies HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    writer.write_all(head.as_bytes()).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (took, code) = daemon.stop().await?;
    assert!(took < STOP, "{took:?}");
    assert_eq!(code, Some(0));
    Ok(())
}

#[tokio::test]
async fn second_start_is_refused_as_already_running() -> TestResult {
    let daemon = Daemon::start(&[]).await?;
    let command = format!("serve --port {}", daemon.port);
    let begun = Instant::now();
    let second = run(
        CHILD,
        daemon.folder.path(),
        &words(&command, daemon.folder.path(), &[]),
    )
    .await?;
    assert!(begun.elapsed() < HEALTH, "{:?}", begun.elapsed());
    assert_eq!(second.code, 1, "{second:?}");
    let says = format!("Codex is already running on 127.0.0.1 port {}", daemon.port);
    assert!(second.err.contains(&says), "{second:?}");
    assert!(!second.out.contains("listens"), "{second:?}");
    let first = daemon.get("/health/live").send().await?;
    assert_eq!(first.status(), StatusCode::OK);
    Ok(())
}

/// `.flaskenv` and `instance/codex.conf` as Helm writes them: quoted values, keys of other programs, and no comments.
#[tokio::test]
async fn settings_that_helm_writes_are_read() -> TestResult {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("instance"))?;
    std::fs::write(
        folder.path().join(".flaskenv"),
        "FLASK_APP=run.py\nFLASK_ENV=production\nENVIRONMENT=production\nSECRET_KEY='abc%def'\nSERVICE_NAME='codex'\n\
         KEYCLOAK_SERVER_URL='https://msp.example/keycloak'\nKEYCLOAK_BACKEND_URL=http://localhost:8080\n\
         KEYCLOAK_REALM=hivematrix\nKEYCLOAK_CLIENT_ID=core-client\nVERIFY_SSL=False\nDB_HOST=localhost\nDB_PORT=5432\n\
         DB_NAME=codex_db\nCORE_SERVICE_URL=\"http://localhost:5999\"\nNEXUS_SERVICE_URL=https://msp.example\n\
         HELM_SERVICE_URL='http://localhost:5994'\n",
    )?;
    std::fs::write(
        folder.path().join("instance/codex.conf"),
        "[database]\nconnection_string = postgresql://codex_user:s%40crt@localhost:5432/codex_db\ndb_host = localhost\n\
         db_port = 5432\ndb_name = codex_db\n\n[database_credentials]\ndb_host = localhost\ndb_dbname = codex_db\n\n\
         [psa]\nenabled_providers = freshservice\n",
    )?;
    let command = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let check = run(CHILD, folder.path(), &command("config --check")).await?;
    assert_eq!(check.code, 0, "{check:?}");
    let shown = run(CHILD, folder.path(), &command("config --json")).await?;
    let shown: Value = serde_json::from_str(&shown.out)?;
    let value = |section: &str, key: &str| {
        let all = shown.as_array().into_iter().flatten();
        let mut found = all.filter(|one| one["section"] == section && one["key"] == key);
        found
            .next()
            .map(|one| one["value"].clone())
            .unwrap_or_default()
    };
    assert_eq!(value("core", "url"), "http://localhost:5999");
    assert_eq!(value("helm", "url"), "http://localhost:5994");
    assert_eq!(value("server", "bind"), "127.0.0.1");
    assert_eq!(value("server", "port"), "5010");
    Ok(())
}
