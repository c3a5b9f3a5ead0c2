//! The server: what it takes, whom it cuts off, how it stops.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use axum::{
    Json, Router,
    body::{Body, Bytes},
    routing::{get, post},
};
use codex_core::clock::{Clock as _, SystemClock};
use futures::StreamExt as _;
use reqwest::{Client, Method};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};
use tokio_util::sync::CancellationToken;

use super::{Daemon, header, problem};
use crate::{
    app,
    auth::testing::{Core, service, token},
    config::{Config, Server, Sources},
    http::{body, server},
};

/// A server with routes of its own inside the daemon's layers.
struct Bare {
    url: String,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Bare {
    async fn start(change: impl FnOnce(&mut Server)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::load(&Sources::new(dir.path()).set("server.port", "0")).unwrap();
        change(&mut config.server);
        let codex = app::open(&config, true).await.unwrap();
        let routes = Router::new()
            .route(
                "/slow",
                get(|| async {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    "done"
                }),
            )
            .route("/panic", get(panics))
            .route("/panic-midway", get(panics_midway))
            .route(
                "/length",
                post(|body: Bytes| async move { body.len().to_string() }),
            )
            .route(
                "/json",
                post(|Json(body): Json<Named>| async move { body.name }),
            )
            .route(
                "/object",
                post(|body::Body(object): body::Body<Named>| async move { object.name }),
            )
            .route("/endless", get(endless));
        let listener = server::bind(&config.server).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let limits = config.server.clone();
        let router = app::router_of(routes.into(), config, codex).unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(server::serve(listener, router, limits, stop.clone()));
        Self {
            url,
            stop,
            server,
            _dir: dir,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url.trim_start_matches("http://"))
            .await
            .unwrap()
    }
}

#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

/// What a client reads of `/endless`, until somebody hangs up.
async fn endless() -> Body {
    let piece = Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; 64 * 1024]));
    Body::from_stream(futures::stream::repeat(piece))
}

async fn panics() -> &'static str {
    panic!("hunter2")
}

/// An answer whose second piece is a panic.
async fn panics_midway() -> Body {
    let pieces = futures::stream::iter([false, true]).map(|broken| {
        assert!(!broken, "hunter2");
        Ok::<_, std::convert::Infallible>(Bytes::from_static(b"piece"))
    });
    Body::from_stream(pieces)
}

/// Panics that were counted at a place. Other tests of this process may add to them.
fn counted(place: &str) -> u64 {
    let line = format!("codex_panics_total{{place=\"{place}\"}} ");
    let text = crate::metrics::text();
    let count = text.lines().find_map(|text| text.strip_prefix(&line));
    count.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_panic_is_counted_and_nothing_else_ends() {
    let bare = Bare::start(|server| server.max_connections = 2).await;
    for _ in 0..5 {
        let before = counted("request");
        let call = client().get(bare.url("/panic"));
        let answer = call.header("X-Correlation-ID", "abc").send().await.unwrap();
        assert_eq!(answer.headers()["x-correlation-id"], "abc");
        let body = problem(answer, 500, "/panic").await;
        assert!(body["detail"].as_str().unwrap().contains("correlation id"));
        assert!(counted("request") > before);

        let before = counted("connection");
        // The connection may end before the head of the answer has left.
        if let Ok(answer) = client().get(bare.url("/panic-midway")).send().await {
            assert_eq!(answer.status(), 200);
            assert!(answer.bytes().await.is_err(), "half an answer is not whole");
        }
        // The connection ends before it is counted.
        for _ in 0..100 {
            if counted("connection") > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(counted("connection") > before);
    }
    // No slot of a connection was kept.
    let length = client().post(bare.url("/length")).body("four");
    assert_eq!(length.send().await.unwrap().text().await.unwrap(), "4");
}

fn client() -> Client {
    Client::builder().build().unwrap()
}

#[tokio::test]
async fn a_panic_is_500_without_its_words() {
    let bare = Bare::start(|_| ()).await;
    let body = problem(
        client().get(bare.url("/panic")).send().await.unwrap(),
        500,
        "/panic",
    )
    .await;
    assert!(!body.to_string().contains("hunter2"));
    assert_eq!(
        client()
            .get(bare.url("/slow"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn bad_bodies_are_problems_with_their_true_status() {
    let bare = Bare::start(|_| ()).await;
    let send = |kind: &'static str, body: &'static str| {
        let request = client()
            .post(bare.url("/json"))
            .header("content-type", kind);
        async move { request.body(body).send().await.unwrap() }
    };
    assert_eq!(
        send("application/json", r#"{"name":"x"}"#)
            .await
            .text()
            .await
            .unwrap(),
        "x"
    );
    problem(send("application/json", "{").await, 400, "/json").await;
    problem(send("text/plain", "{}").await, 415, "/json").await;
    problem(send("application/json", "{}").await, 422, "/json").await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_413_whether_or_not_its_length_is_told() {
    let bare = Bare::start(|server| server.body_limit = 1000).await;
    let told = |length: usize| {
        client()
            .post(bare.url("/length"))
            .body(vec![b'x'; length])
            .send()
    };
    assert_eq!(told(1000).await.unwrap().text().await.unwrap(), "1000");
    problem(told(1001).await.unwrap(), 413, "/length").await;
    // More than the socket buffers hold: the answer must still arrive.
    problem(told(20_000_000).await.unwrap(), 413, "/length").await;

    let mut stream = bare.connect().await;
    let head = "POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001));
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_client_that_says_nothing_or_half_a_head_is_cut_off() {
    let bare = Bare::start(|server| server.header_timeout = Duration::from_millis(100)).await;
    for said in ["", "GET /slow HT", "PRI * HTT"] {
        let mut stream = bare.connect().await;
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let ended =
            tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "{said:?} held its connection");
    }
}

/// A connection whose system takes little before it is read.
async fn reader(url: &str, path: &str) -> TcpStream {
    reader_with(url, path, "").await
}

/// The same with more lines in its head.
async fn reader_with(url: &str, path: &str, lines: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let address = url.trim_start_matches("http://").parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_reader_that_stands_still_is_cut_off() {
    let bare = Bare::start(|server| {
        server.stall = Duration::from_millis(300);
        server.max_connections = 1;
    })
    .await;
    let mut still = reader(&bare.url, "/endless").await;
    // Its place is free.
    let next = client().get(bare.url("/slow")).send();
    let next = tokio::time::timeout(Duration::from_secs(5), next).await;
    assert_eq!(next.expect("the place is taken").unwrap().status(), 200);
    let mut all = Vec::new();
    let rest = tokio::time::timeout(Duration::from_secs(5), still.read_to_end(&mut all)).await;
    assert!(rest.is_ok() && !all.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn a_reader_that_is_slow_but_steady_is_not_cut_off() {
    let bare = Bare::start(|server| server.stall = Duration::from_millis(1_500)).await;
    let mut slow = reader(&bare.url, "/endless").await;
    let start = Instant::now();
    let mut some = vec![0; 16 * 1024];
    // 250 KB a second.
    while start.elapsed() < Duration::from_secs(5) {
        slow.read_exact(&mut some).await.expect("it was cut off");
        tokio::time::sleep(Duration::from_millis(64)).await;
    }
}

#[tokio::test]
async fn a_body_that_stops_midway_is_408_with_a_key_or_without() {
    let core = Core::start().await;
    let daemon = Daemon::start(&[("core.url", core.url()), ("server.stall_seconds", "1")]).await;
    let token = token("k0", 0, &service(&json!({})));
    let address = daemon.running.addr();
    for (key, length, status) in [
        ("", "Content-Length: 100", 408),
        ("Idempotency-Key: half\r\n", "Content-Length: 100", 408),
        (
            "Idempotency-Key: half\r\n",
            "Transfer-Encoding: chunked",
            408,
        ),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api/companies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n{key}{length}\r\n\r\n"
        );
        let half = if length.starts_with('C') {
            "{"
        } else {
            "1\r\n{\r\n"
        };
        stream
            .write_all(format!("{head}{half}").as_bytes())
            .await
            .unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
        read.await.expect("it is held").unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(answer.contains("about:blank#request-timeout"), "{answer}");
    }
}

#[tokio::test]
async fn requests_above_the_limit_wait_for_their_turn() {
    let bare = Bare::start(|server| server.max_connections = 1).await;
    let first = tokio::spawn(client().get(bare.url("/slow")).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    let second = client().get(bare.url("/slow")).send().await.unwrap();
    assert_eq!(second.status(), 200);
    assert!(begun.elapsed() > Duration::from_millis(400));
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn silent_connections_give_their_place_to_others() {
    let bare = Bare::start(|server| server.max_connections = 2).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(bare.connect().await);
    }
    let begun = Instant::now();
    let answer = client().get(bare.url("/slow")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn health_is_answered_while_all_turns_are_taken() {
    for one_address in [true, false] {
        let bare = Bare::start(|server| {
            let limit = if one_address {
                &mut server.connections_per_address
            } else {
                &mut server.max_connections
            };
            *limit = 3;
        });
        let bare = bare.await;
        let mut readers = Vec::new();
        for _ in 0..3 {
            readers.push(reader(&bare.url, "/endless").await);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let begun = Instant::now();
        let waiting: Vec<_> = (0..100)
            .map(|_| tokio::spawn(client().get(bare.url("/slow")).send()))
            .collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        for _ in 0..20 {
            let health = client().get(bare.url("/health/live")).send().await;
            assert_eq!(
                health.unwrap().status(),
                404,
                "no such route here, but an answer"
            );
        }
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "{:?}",
            begun.elapsed()
        );
        for answer in waiting {
            // Some are refused at once, some after they have waited, and some lost their place.
            let Ok(answer) = answer.await.unwrap() else {
                continue;
            };
            assert_eq!(answer.headers()["retry-after"], "1");
            problem(answer, 503, "/slow").await;
        }
        assert!(begun.elapsed() < Duration::from_secs(9));
    }
}

#[tokio::test]
async fn a_refusal_arrives_however_large_the_refused_body_is() {
    let core = Core::start().await;
    let daemon = Daemon::start(&[("core.url", core.url())]).await;
    let invalid = token("k0", 1, &service(&json!({})));
    let body = vec![b'x'; 4 * 1024 * 1024];
    for (head, status) in [
        (
            format!("POST /api/contacts HTTP/1.1\r\nAuthorization: Bearer {invalid}"),
            401,
        ),
        ("POST /api/nothing HTTP/1.1".to_owned(), 404),
        ("POST /health HTTP/1.1".to_owned(), 405),
    ] {
        for _ in 0..3 {
            let head = format!(
                "{head}\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let mut stream = TcpStream::connect(daemon.running.addr()).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            // As most clients do: everything is sent before anything is read.
            stream.write_all(&body).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{answer}"
            );
            // Nobody sends the next request on a connection that is about to end.
            assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        }
    }
}

#[tokio::test]
async fn heads_that_are_too_large_are_431() {
    let bare = Bare::start(|_| ()).await;
    let head = format!(
        "GET /slow HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(3 << 20)
    );
    for _ in 0..3 {
        let mut stream = bare.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

/// The time for the whole body ends it, not a pause: a byte arrives every 50 ms until the answer does.
#[tokio::test]
async fn a_body_that_never_ends_is_408() {
    let bare = Bare::start(|server| server.body_timeout = Duration::from_secs(1)).await;
    let head = "POST /object HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n";
    let (mut answers, mut body) = bare.connect().await.into_split();
    body.write_all(head.as_bytes()).await.unwrap();
    // By itself: reading is never given up halfway. It ends when the server closes, or with the test.
    let sender = tokio::spawn(async move {
        while body.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = [0; 12];
    // The whole body would take more than an hour.
    let read = tokio::time::timeout(Duration::from_secs(60), answers.read_exact(&mut answer));
    read.await.expect("it is held").unwrap();
    sender.abort();
    assert_eq!(
        String::from_utf8_lossy(&answer),
        "HTTP/1.1 408",
        "not the answer to a slow body"
    );
}

#[tokio::test]
async fn one_address_cannot_take_the_turns_of_others() {
    let bare = Bare::start(|server| {
        server.connections_per_address = 2;
        server.max_connections = 10;
    })
    .await;
    let mut readers = Vec::new();
    for _ in 0..2 {
        readers.push(reader(&bare.url, "/endless").await);
    }
    // Both are answered by now: each has begun to read.
    for reader in &mut readers {
        reader.read_exact(&mut [0; 12]).await.unwrap();
    }
    let same = client().get(bare.url("/slow")).send().await.unwrap();
    problem(same, 503, "/slow").await;
    // What a proxy on this machine says.
    let other = client().get(bare.url("/slow"));
    let other = other.header("X-Forwarded-For", "192.0.2.1").send().await;
    assert_eq!(other.unwrap().status(), 200);
}

#[tokio::test]
async fn those_behind_a_proxy_have_more_connections_than_one_address() {
    let bare = Bare::start(|server| server.connections_per_address = 1).await;
    let mut readers = Vec::new();
    // More than one address may have, and than are in reserve.
    for n in 0..70 {
        let lines = format!("X-Forwarded-For: 192.0.2.{n}\r\n");
        let mut reader = reader_with(&bare.url, "/endless", &lines).await;
        let read = reader.read_exact(&mut [0; 12]).await;
        assert!(read.is_ok(), "{n} is answered");
        readers.push(reader);
    }
    let another = client().get(bare.url("/slow"));
    let another = another.header("X-Forwarded-For", "192.0.2.99").send().await;
    assert_eq!(another.unwrap().status(), 200);
}

#[tokio::test]
async fn a_client_that_has_said_all_gets_its_answer() {
    let bare = Bare::start(|_| ()).await;
    for _ in 0..5 {
        let mut stream = bare.connect().await;
        let head = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
    }
}

#[tokio::test]
async fn a_webhook_is_judged_by_its_headers_before_its_body_is_read() {
    let settings = [("webhooks.enabled", "true"), ("webhooks.secret", "s")];
    let daemon = Daemon::start(&settings).await;
    let signature = format!("sha256={}", "0".repeat(64));
    for lines in [
        "X-Webhook-Secret: wrong".to_owned(),
        format!("X-Webhook-Timestamp: 1000\r\nX-Webhook-Signature: {signature}"),
        "X-Webhook-Timestamp: 9999999999\r\nX-Webhook-Signature: sha256=made-up".to_owned(),
    ] {
        let mut stream = TcpStream::connect(daemon.running.addr()).await.unwrap();
        let head = format!(
            "POST /webhooks/test HTTP/1.1\r\nHost: x\r\n{lines}\r\nContent-Length: 100\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = tokio::time::timeout(Duration::from_secs(2), stream.read_exact(&mut answer));
        read.await.expect("the body is waited for").unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401", "{lines}");
    }
}

/// A webhook with a fresh, well-formed signature that nobody has made with the secret, and no body: a proxy on this
/// machine passes it on for an address.
async fn made_up(daemon: &Daemon, sender: &str) -> TcpStream {
    let now = SystemClock.now().timestamp();
    let signature = "0".repeat(64);
    let head = format!(
        "POST /webhooks/test HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {sender}\r\nX-Webhook-Timestamp: {now}\r\n\
         X-Webhook-Signature: sha256={signature}\r\nContent-Length: 100\r\n\r\n"
    );
    let mut stream = TcpStream::connect(daemon.running.addr()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn made_up_signatures_with_slow_bodies_keep_nobody_else_out() {
    const SECRET: &str = "an open secret";
    const BODY: &str = r#"{"a":1}"#;
    let core = Core::start().await;
    let settings = [
        ("core.url", core.url()),
        ("webhooks.enabled", "true"),
        ("webhooks.secret", SECRET),
    ];
    let daemon = Daemon::start(&settings).await;
    let mut attackers = Vec::new();
    for _ in 0..100 {
        attackers.push(made_up(&daemon, "192.0.2.66").await);
    }
    // All but a few are refused at once.
    let mut refused = 0;
    for stream in &mut attackers {
        let mut answer = [0; 12];
        let read = stream.read_exact(&mut answer);
        if tokio::time::timeout(Duration::from_millis(500), read)
            .await
            .is_ok()
        {
            assert_eq!(&answer, b"HTTP/1.1 503");
            refused += 1;
        }
    }
    assert_eq!(refused, 92);

    for path in ["/health/live", "/webhooks/health"] {
        assert_eq!(daemon.get(path).await.status(), 200, "{path}");
    }
    let token = token("k0", 0, &service(&json!({})));
    let call = daemon.request(Method::GET, "/api/companies");
    assert_eq!(call.bearer_auth(token).send().await.unwrap().status(), 200);
    let webhook = |sender: &str| {
        let call = daemon.request(Method::POST, "/webhooks/test");
        call.header("x-forwarded-for", sender).body(BODY)
    };
    let at = SystemClock.now().timestamp();
    let signed = |sender: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let tag = hmac::sign(&key, format!("{at}.{BODY}").as_bytes());
        let hex = tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        webhook(sender)
            .header("x-webhook-timestamp", at)
            .header("x-webhook-signature", format!("sha256={hex}"))
    };
    let elsewhere = signed("192.0.2.7").send().await.unwrap();
    assert_eq!(elsewhere.status(), 200, "signed, from another address");
    let beside = signed("192.0.2.66").send().await.unwrap();
    assert_eq!(beside.status(), 503, "the attacker's own address is busy");
    assert_eq!(header(&beside, "retry-after"), "1");
    let known = webhook("192.0.2.66").header("x-webhook-secret", SECRET);
    assert_eq!(
        known.send().await.unwrap().status(),
        200,
        "whoever knows the secret takes no place"
    );

    // A place is free again when its sender hangs up.
    drop(attackers);
    for _ in 0..100 {
        if made_up_is_read(&daemon).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the places are not given back");
}

/// Whether the body of a made-up webhook is waited for.
async fn made_up_is_read(daemon: &Daemon) -> bool {
    let mut stream = made_up(daemon, "192.0.2.66").await;
    let mut answer = [0; 12];
    let read = stream.read_exact(&mut answer);
    tokio::time::timeout(Duration::from_millis(200), read)
        .await
        .is_err()
}

#[tokio::test]
async fn a_stop_refuses_new_connections_and_finishes_what_is_in_flight() {
    let bare = Bare::start(|_| ()).await;
    let url = bare.url("/slow");
    let in_flight = tokio::spawn(client().get(&url).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    bare.stop.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(client().get(&url).send().await.is_err());
    assert_eq!(
        in_flight.await.unwrap().unwrap().text().await.unwrap(),
        "done"
    );
    bare.server.await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_beyond_its_time() {
    let bare = Bare::start(|server| server.drain = Duration::from_millis(50)).await;
    let in_flight = tokio::spawn(client().get(bare.url("/slow")).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    bare.stop.cancel();
    bare.server.await.unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(250),
        "{:?}",
        start.elapsed()
    );
    assert!(in_flight.await.unwrap().is_err());
}

#[tokio::test]
async fn idle_connections_do_not_hold_a_stop_up() {
    let daemon = Daemon::start(&[]).await;
    assert_eq!(daemon.get("/health/live").await.status(), 200);
    let start = Instant::now();
    daemon.running.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(1));
}
