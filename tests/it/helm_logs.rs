//! Log lines reach Helm, and none is lost while it is away.

use std::{
    fs::File,
    net::TcpListener,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use axum::{Json, Router, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use codex_tests::{
    harness::{
        TestResult,
        child::{become_codexd, codexd_logging_to},
    },
    sim::core::Core,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::process::Child;

const CHILD: &str = "helm_logs::codexd_child_process";

#[test]
fn codexd_child_process() {
    become_codexd();
}

/// A Helm that keeps lines with tokens of Core for Helm.
#[derive(Clone)]
struct Helm {
    key: DecodingKey,
    lines: Arc<Mutex<Vec<Value>>>,
    is_away: Arc<AtomicBool>,
}

async fn ingest(
    State(helm): State<Helm>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&["hivematrix-core"]);
    let token = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    let claims = decode::<Value>(token.unwrap_or_default(), &helm.key, &validation);
    if !claims.is_ok_and(|token| token.claims["target_service"] == "helm") {
        return (StatusCode::UNAUTHORIZED, Json(json!({})));
    }
    if helm.is_away.load(Ordering::Relaxed) {
        return (StatusCode::BAD_GATEWAY, Json(json!({})));
    }
    let logs = body["logs"].as_array().cloned().unwrap_or_default();
    let ingested = logs.len();
    assert_eq!(body["service_name"], "codex");
    helm.lines.lock().unwrap().extend(logs);
    (
        StatusCode::OK,
        Json(json!({"success": true, "ingested": ingested})),
    )
}

impl Helm {
    async fn start(core: &Core) -> anyhow::Result<(Self, String)> {
        let helm = Self {
            key: DecodingKey::from_jwk(&serde_json::from_value(core.key.jwk.clone())?)?,
            lines: Arc::default(),
            is_away: Arc::default(),
        };
        let router = Router::new().route("/api/logs/ingest", post(ingest));
        let router = router.with_state(helm.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((helm, url))
    }

    /// A line with these words.
    fn line(&self, words: &str) -> Option<Value> {
        let lines = self.lines.lock().unwrap();
        let has = |line: &&Value| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.contains(words))
        };
        lines.iter().find(has).cloned()
    }
}

async fn ended(child: &mut Child) -> anyhow::Result<i32> {
    let pid = child.id().context("it runs")?;
    let killed = std::process::Command::new("kill")
        .arg(pid.to_string())
        .status()?;
    assert!(killed.success());
    let status = tokio::time::timeout(Duration::from_secs(10), child.wait()).await??;
    status.code().context("it ends by itself")
}

#[tokio::test]
async fn lines_go_to_helm_or_to_standard_error() -> TestResult {
    let core = Core::start().await?;
    let (helm, url) = Helm::start(&core).await?;
    let folder = tempfile::tempdir()?;
    let http = Client::builder().timeout(Duration::from_secs(10)).build()?;
    for is_away in [false, true] {
        helm.is_away.store(is_away, Ordering::Relaxed);
        helm.lines.lock().unwrap().clear();
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        // The address of Helm comes from where Helm writes it.
        let flaskenv = format!("HELM_SERVICE_URL={url}\nCORE_SERVICE_URL={}\n", core.url());
        std::fs::write(folder.path().join(".flaskenv"), flaskenv)?;
        let args = ["serve", "--set", &format!("server.port={port}")].map(str::to_owned);
        let stderr = folder.path().join("stderr");
        let out = Stdio::from(File::create(&stderr)?);
        let mut child = codexd_logging_to(out, CHILD, folder.path(), &args)?;
        let begin = Instant::now();
        while http
            .get(format!("http://127.0.0.1:{port}/health/live"))
            .send()
            .await
            .is_err()
        {
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "it does not listen"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(ended(&mut child).await?, 0);
        let printed = std::fs::read_to_string(&stderr)?;
        let sent = helm.line("codexd listens on");
        if is_away {
            assert_eq!(sent, None);
            assert!(printed.contains("codexd listens on"), "{printed}");
            assert!(printed.contains("Stopping"), "{printed}");
        } else {
            let sent = sent.context("the line is sent")?;
            assert_eq!(sent["level"], "INFO");
            assert_eq!(sent["context"]["logger"], "codex_daemon::cli::serve");
            assert!(
                helm.line("Stopping").is_some(),
                "the last lines are sent too"
            );
            assert!(!printed.contains("codexd listens on"), "{printed}");
        }
    }
    Ok(())
}
