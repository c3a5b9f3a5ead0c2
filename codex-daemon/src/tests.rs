//! The daemon through its front door.

mod server;

use std::time::{Duration, Instant};

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    app::{self, Running},
    auth::testing::{Core, service, token, user},
    config::{Config, Sources},
    http::server::{BindError, bind},
};

struct Daemon {
    running: Running,
    http: Client,
    dir: tempfile::TempDir,
}

impl Daemon {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sources = Sources::new(dir.path())
            .set("server.port", "0")
            .set("core.url", "http://127.0.0.1:1");
        let sources = settings
            .iter()
            .fold(sources, |s, (key, value)| s.set(*key, *value));
        let config = Config::load(&sources).unwrap();
        let codex = app::open(&config, true).await.unwrap();
        let running = app::start(config, codex).await.unwrap();
        // Sees bodies as they are sent.
        let http = Client::builder()
            .no_gzip()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { running, http, dir }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.running.url()))
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// Asserts that an answer is a problem of a status at a path; gives its body.
async fn problem(response: Response, status: u16, path: &str) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(
        header(&response, "content-type"),
        "application/problem+json"
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    assert_eq!(body["instance"], path);
    assert!(body["type"].as_str().unwrap().starts_with("about:blank#"));
    assert!(body.get("error").is_none());
    assert!(!body["detail"].as_str().unwrap().is_empty());
    body
}

#[tokio::test]
async fn an_unknown_route_is_404_and_a_wrong_method_405_with_allow() {
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
async fn the_correlation_id_is_echoed_or_made() {
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
async fn a_token_is_needed_where_it_is_needed() {
    let core = Core::start().await;
    let daemon = Daemon::start(&[("core.url", core.url()), ("server.docs_public", "false")]).await;
    let with = |token: String| {
        daemon
            .request(Method::GET, "/openapi.json")
            .bearer_auth(token)
            .send()
    };

    let missing = daemon.get("/openapi.json").await;
    assert_eq!(header(&missing, "www-authenticate"), "Bearer");
    let body = problem(missing, 401, "/openapi.json").await;
    assert_eq!(body["type"], "about:blank#unauthorized");
    problem(daemon.get("/docs/").await, 401, "/docs/").await;

    let foreign = token("k9", 1, &user(&json!({})));
    let body = problem(with(foreign.clone()).await.unwrap(), 401, "/openapi.json").await;
    assert!(!body.to_string().contains(&foreign));
    for claims in [user(&json!({})), service(&json!({}))] {
        assert_eq!(with(token("k0", 0, &claims)).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_token_of_a_withdrawn_key_is_401() {
    let core = Core::start().await;
    let settings = [
        ("core.url", core.url()),
        ("server.docs_public", "false"),
        ("auth.jwks_cache_seconds", "1"),
    ];
    let daemon = Daemon::start(&settings).await;
    let with = async |kid: &str, key: usize| {
        let token = token(kid, key, &user(&json!({})));
        let call = daemon.request(Method::GET, "/openapi.json");
        call.bearer_auth(token).send().await.unwrap()
    };
    assert_eq!(with("k0", 0).await.status(), 200);
    core.serve_keys(&[("k1", 1)]);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let refused = with("k0", 0).await;
    assert_eq!(header(&refused, "www-authenticate"), "Bearer");
    problem(refused, 401, "/openapi.json").await;
    assert_eq!(with("k1", 1).await.status(), 200);
}

#[tokio::test]
async fn an_unreachable_core_with_no_keys_is_503() {
    let daemon = Daemon::start(&[("server.docs_public", "false")]).await;
    let token = token("k0", 0, &user(&json!({})));
    let request = daemon
        .request(Method::GET, "/openapi.json")
        .bearer_auth(token);
    let answer = request.send().await.unwrap();
    assert_eq!(header(&answer, "retry-after"), "1");
    problem(answer, 503, "/openapi.json").await;
}

#[tokio::test]
async fn a_header_with_one_value_is_sent_once_and_every_call_names_its_host() {
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
async fn metrics_are_for_this_machine_and_for_those_who_may() {
    let core = Core::start().await;
    let daemon = Daemon::start(&[("core.url", core.url()), ("metrics.token", "m")]).await;
    assert_eq!(daemon.get("/metrics").await.status(), 200);
    let admin = token("k0", 0, &user(&json!({})));
    let client = token("k0", 0, &user(&json!({"permission_level": "client"})));
    for (token, status) in [
        ("", 401),
        ("m", 200),
        ("n", 401),
        (&admin, 200),
        (&client, 403),
    ] {
        let call = daemon.request(Method::GET, "/metrics");
        let mut call = call.header("x-forwarded-for", "192.0.2.1");
        if !token.is_empty() {
            call = call.bearer_auth(token);
        }
        assert_eq!(call.send().await.unwrap().status(), status, "{token}");
    }
}

#[tokio::test]
async fn health_tells_the_truth_about_engine_and_core() {
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
async fn a_disk_that_is_too_full_shows_in_health() {
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

#[tokio::test]
async fn docs_work_behind_a_prefix_and_without_the_internet() {
    let daemon = Daemon::start(&[]).await;
    for (path, target) in [
        ("/docs", "/codex/docs/"),
        ("/apidocs/index.html", "/codex/docs/"),
        ("/apispec.json", "/codex/openapi.json"),
    ] {
        let request = daemon
            .request(Method::GET, path)
            .header("X-Forwarded-Prefix", "/codex");
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status(), header(&response, "location")),
            (StatusCode::PERMANENT_REDIRECT, target)
        );
    }
    let page = daemon.get("/docs/").await;
    assert!(header(&page, "content-type").starts_with("text/html"));
    let page = page.text().await.unwrap();
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "{page}"
    );
    for file in [
        "swagger-ui.css",
        "index.css",
        "swagger-ui-bundle.js",
        "favicon-32x32.png",
    ] {
        assert!(page.contains(file));
        assert_eq!(
            daemon.get(&format!("/docs/{file}")).await.status(),
            200,
            "{file}"
        );
    }
    let script = daemon
        .get("/docs/swagger-initializer.js")
        .await
        .text()
        .await
        .unwrap();
    assert!(script.contains(r#""url": "../openapi.json""#), "{script}");
    problem(
        daemon.get("/docs/nothing.js").await,
        404,
        "/docs/nothing.js",
    )
    .await;
}

#[tokio::test]
async fn syncs_whose_vendor_is_not_configured_are_503() {
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
        let told = answer.text().await.unwrap();
        assert!(told.contains("not configured"), "{path}: {told}");
    }
}

#[tokio::test]
async fn the_description_lists_its_routes_and_the_token() {
    let daemon = Daemon::start(&[]).await;
    let api: Value = daemon.get("/openapi.json").await.json().await.unwrap();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(api["paths"]["/health"]["get"]["operationId"], "get_health");
    assert_eq!(
        api["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
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
async fn a_port_in_use_is_an_error_that_names_it() {
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
