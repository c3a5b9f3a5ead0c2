//! `/health` and what it says of Core, disk and database.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Daemon;
use crate::auth::testing::Core;

#[tokio::test]
async fn health_reports_engine_and_core() {
    let core = Core::start().await;
    let daemon = Daemon::start(&[("core.url", core.url())]).await;
    let response = daemon.get("/health").await;
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["service"], "codex");
    assert_eq!(body["checks"]["database"]["status"], "healthy");
    assert_eq!(body["checks"]["database"]["type"], "sqlite");
    assert_eq!(body["checks"]["dependencies"]["core"]["status"], "healthy");
    assert!(body["timestamp"].as_str().unwrap().ends_with("+00:00"));
    // The disk is the test machine's own.
    let well = body["status"] == "healthy";
    assert_eq!(well, body["checks"]["disk"]["status"] == "healthy");
    assert_eq!(status == 200, well);
    let same: Value = daemon.get("/api/health").await.json().await.unwrap();
    assert_eq!(
        same["checks"]["dependencies"],
        body["checks"]["dependencies"]
    );
}

#[tokio::test]
async fn full_disk_shows_in_health() {
    let core = Core::start().await;
    for (limit, word) in [
        ("health.disk_degraded_percent", "degraded"),
        ("health.disk_unhealthy_percent", "unhealthy"),
    ] {
        let settings = [
            ("core.url", core.url()),
            ("health.disk_degraded_percent", "100"),
            ("health.disk_unhealthy_percent", "100"),
            (limit, "0"),
        ];
        let response = Daemon::start(&settings).await.get("/health").await;
        assert_eq!(response.status(), 503);
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            (&body["status"], &body["checks"]["disk"]["status"]),
            (&json!(word), &json!(word))
        );
    }
}

#[tokio::test]
async fn health_is_degraded_and_quick_when_core_is_silent() {
    // Accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let daemon = Daemon::start(&[("core.url", &url)]).await;
    let start = Instant::now();
    let response = daemon.get("/health").await;
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(response.status(), 503);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["checks"]["dependencies"]["core"]["error"], "timeout");
    assert_ne!(body["status"], "healthy");

    let down = Daemon::start(&[]).await;
    let body: Value = down.get("/health").await.json().await.unwrap();
    assert_eq!(
        body["checks"]["dependencies"]["core"]["error"],
        "connection_refused"
    );
}

#[tokio::test]
async fn liveness_and_readiness_do_not_need_core() {
    let daemon = Daemon::start(&[]).await;
    for (path, word) in [("/health/live", "alive"), ("/health/ready", "ready")] {
        let response = daemon.get(path).await;
        assert_eq!(response.status(), 200);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["status"], word);
    }
}
