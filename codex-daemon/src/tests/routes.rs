//! Routes, methods and headers.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Daemon, header, problem};
use crate::{
    auth::testing::{Core, token, user},
    config::{Config, Sources},
    http::server::{BindError, bind},
};

#[tokio::test]
async fn unknown_route_is_404_and_wrong_method_is_405() {
    let daemon = Daemon::start(&[]).await;
    problem(daemon.get("/api/nothing").await, 404, "/api/nothing").await;
    let wrong = daemon
        .request(Method::DELETE, "/health")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&wrong, "allow"), "GET,HEAD");
    problem(wrong, 405, "/health").await;
    let options = daemon
        .request(Method::OPTIONS, "/health")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (options.status(), header(&options, "allow")),
        (StatusCode::OK, "GET,HEAD,OPTIONS")
    );
}

#[tokio::test]
async fn correlation_id_is_echoed_or_created() {
    let daemon = Daemon::start(&[]).await;
    let request = daemon
        .request(Method::GET, "/nowhere")
        .header("X-Correlation-ID", "abc");
    assert_eq!(
        header(&request.send().await.unwrap(), "x-correlation-id"),
        "abc"
    );
    assert_eq!(
        header(&daemon.get("/health/live").await, "x-correlation-id").len(),
        36
    );
}

#[tokio::test]
async fn repeated_single_headers_and_a_missing_host_are_400() {
    let daemon = Daemon::start(&[]).await;
    for (lines, status) in [
        ("Host: x\r\nX-Forwarded-Prefix: /codex\r\n", 200),
        (
            "Host: x\r\nX-Forwarded-Prefix: /codex\r\nX-Forwarded-Prefix: /poison\r\n",
            400,
        ),
        ("Host: x\r\nHost: y\r\n", 400),
        ("Accept: */*\r\n", 400),
    ] {
        let mut stream = TcpStream::connect(daemon.running.addr()).await.unwrap();
        let head = format!("GET /health/live HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{lines}: {answer}"
        );
        assert_eq!(
            status == 400,
            answer.contains("about:blank#bad-request"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn bodies_are_compressed_with_gzip_only() {
    let daemon = Daemon::start(&[]).await;
    let encoding = |accepted: &'static str| {
        let request = daemon.request(Method::GET, "/openapi.json");
        async move {
            let response = request
                .header("Accept-Encoding", accepted)
                .send()
                .await
                .unwrap();
            header(&response, "content-encoding").to_owned()
        }
    };
    assert_eq!(encoding("gzip, deflate, br, zstd").await, "gzip");
    assert_eq!(encoding("br, zstd").await, "");
}

#[tokio::test]
async fn syncs_of_unconfigured_vendors_are_503() {
    let core = Core::start().await;
    let daemon = Daemon::start(&[("core.url", core.url())]).await;
    let admin = token("k0", 0, &user(&json!({"permission_level": "admin"})));
    for path in [
        "/sync/keycloak",
        "/sync/agents",
        "/api/agents/sync",
        "/sync/psa",
        "/sync/datto",
    ] {
        let answer = daemon.request(Method::POST, path).bearer_auth(&admin);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        let reported = answer.text().await.unwrap();
        assert!(reported.contains("not configured"), "{path}: {reported}");
    }
}

#[tokio::test]
async fn port_in_use_is_named_in_the_error() {
    let daemon = Daemon::start(&[]).await;
    let port = daemon.running.addr().port();
    let sources = Sources::new(daemon.dir.path()).set("server.port", port.to_string());
    let start = Instant::now();
    let error = bind(&Config::load(&sources).unwrap().server)
        .await
        .unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(matches!(error, BindError::InUse { .. }));
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}
