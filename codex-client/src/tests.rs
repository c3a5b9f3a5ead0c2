//! The client against a stub that answers what a test tells it to, one connection per request.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use codex_core::Fault;

use crate::{Builder, Client, Error, ListOptions, Status, TokenSource};

mod cached;
mod jobs;
mod pending;
mod streams;

/// What the stub does with a request.
enum StubAnswer {
    Full(&'static str, &'static str, String),
    /// Accepts and says nothing.
    Silence,
    /// Promises more than it sends.
    Torn,
}

struct Stub {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// Answers the requests in order; a request too many is closed unanswered.
    async fn new(answers: Vec<StubAnswer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                log.lock().unwrap().push(String::from_utf8(head).unwrap());
                let text = match answers.next() {
                    Some(StubAnswer::Full(status, headers, body)) => format!(
                        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
                        body.len()
                    ),
                    Some(StubAnswer::Torn) => {
                        "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n[".into()
                    }
                    Some(StubAnswer::Silence) => {
                        open.push(stream);
                        continue;
                    }
                    None => continue,
                };
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        Self { url, seen }
    }

    fn builder(&self) -> Builder {
        Client::builder(&self.url, TokenSource::fixed("secret-token"))
            .backoff(Duration::from_millis(1))
            .timeout(Duration::from_secs(5))
    }

    fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// First lines of the requests.
    fn lines(&self) -> Vec<String> {
        let seen = self.seen();
        seen.iter()
            .map(|head| head.lines().next().unwrap().replace(" HTTP/1.1", ""))
            .collect()
    }
}

fn ok(body: &str) -> StubAnswer {
    StubAnswer::Full("200 OK", "", body.to_owned())
}

fn status(status: &'static str) -> StubAnswer {
    StubAnswer::Full(status, "", String::new())
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

#[tokio::test]
async fn reads_are_retried_after_transport_and_server_errors() {
    for trouble in [
        status("503 Service Unavailable"),
        status("429 Too Many Requests"),
        StubAnswer::Torn,
    ] {
        let stub = Stub::new(vec![trouble, ok("[]")]).await;
        assert_eq!(stub.client().companies().list().await.unwrap(), []);
        assert_eq!(stub.seen().len(), 2);
    }
}

#[tokio::test]
async fn retries_are_bounded_and_share_one_correlation_id() {
    let stub = Stub::new((0..9).map(|_| status("502 Bad Gateway")).collect()).await;
    let error = stub.client().companies().list().await.unwrap_err();
    assert_eq!((error.status(), error.is_retryable()), (Some(502), true));
    let ids: Vec<_> = stub.seen();
    assert_eq!(ids.len(), 3);
    for head in &ids {
        assert_eq!(header(head, "x-correlation-id"), error.correlation_id());
    }
}

#[tokio::test]
async fn refusals_are_not_retried_and_carry_the_reason() {
    let body = r#"{"type":"about:blank#forbidden","title":"Forbidden","status":403,"detail":"not for clients","instance":"/x"}"#;
    let headers = "x-correlation-id: from-the-server\r\n";
    let stub = Stub::new(vec![StubAnswer::Full(
        "403 Forbidden",
        headers,
        body.into(),
    )])
    .await;
    let error = stub.client().companies().list().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "codex answered 403: not for clients (correlation id from-the-server)"
    );
    assert!(
        matches!(&error, Error::Forbidden(refusal) if refusal.code.as_deref() == Some("forbidden"))
    );
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn statuses_map_to_error_variants() {
    let refused = async |status: &'static str, body: &str| {
        let stub = Stub::new(vec![StubAnswer::Full(status, "", body.to_owned())]).await;
        let client = stub.builder().retries(0).build().unwrap();
        client.companies().list().await.unwrap_err()
    };
    let body =
        |code: &str| format!(r#"{{"error":"no","detail":"no","type":"about:blank#{code}"}}"#);
    let error = refused("404 Not Found", &body("not-found")).await;
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    assert_eq!(
        (error.code(), error.status()),
        (Some("not-found"), Some(404))
    );
    let error = refused("409 Conflict", &body("conflict")).await;
    assert!(matches!(error, Error::Conflict(_)), "{error:?}");
    let error = refused("412 Precondition Failed", &body("precondition-failed")).await;
    assert!(matches!(error, Error::Changed(_)), "{error:?}");
    let error = refused("401 Unauthorized", &body("unauthorized")).await;
    assert!(matches!(error, Error::Unauthorized(_)), "{error:?}");
    let error = refused("500 Internal Server Error", "oops").await;
    assert!(matches!(error, Error::Http(_)), "{error:?}");
    assert_eq!((error.code(), error.is_retryable()), (None, true));
    let faults = r#"{"errors":[{"pointer":"/email","detail":"no address"},7],"detail":"no"}"#;
    let error = refused("422 Unprocessable Entity", faults).await;
    let Error::Validation { faults, refusal } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*faults, [Fault::at("email", "no address")]);
    assert_eq!(refusal.message, "no");
    assert_eq!(error.faults(), faults);
    assert_eq!(error.status(), Some(422));
    assert_eq!(
        error.correlation_id(),
        Some(refusal.correlation_id.as_str())
    );
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn long_retry_after_is_left_to_the_caller() {
    let headers = "retry-after: 31\r\n";
    let busy = StubAnswer::Full("429 Too Many Requests", headers, String::new());
    let stub = Stub::new(vec![busy]).await;
    let error = stub.client().companies().list().await.unwrap_err();
    assert_eq!(error.status(), Some(429));
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn short_retry_after_replaces_the_backoff() {
    let headers = "retry-after: 0\r\n";
    let busy = StubAnswer::Full("429 Too Many Requests", headers, String::new());
    let stub = Stub::new(vec![busy, ok("[]")]).await;
    let patient = stub.builder().backoff(Duration::from_secs(3600)).build();
    assert_eq!(patient.unwrap().companies().list().await.unwrap(), []);
}

#[tokio::test]
async fn silent_server_is_a_timeout() {
    let stub = Stub::new(vec![StubAnswer::Silence]).await;
    let client = stub
        .builder()
        .retries(0)
        .timeout(Duration::from_millis(100));
    let error = client
        .build()
        .unwrap()
        .companies()
        .list()
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Timeout { .. }) && error.is_retryable(),
        "{error:?}"
    );
}

#[tokio::test]
async fn undecodable_answers_are_not_retried() {
    let stub = Stub::new(vec![ok("<html>")]).await;
    let error = stub.client().companies().list().await.unwrap_err();
    assert!(
        matches!(error, Error::Decode { .. }) && !error.is_retryable(),
        "{error:?}"
    );
}

#[tokio::test]
async fn redirects_are_errors_and_never_receive_the_token() {
    let headers = "location: /login\r\n";
    let stub = Stub::new(vec![StubAnswer::Full("302 Found", headers, String::new())]).await;
    let error = stub.client().companies().list().await.unwrap_err();
    assert_eq!(error.status(), Some(302));
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn path_segments_are_encoded_once() {
    let stub = Stub::new(vec![status("404 Not Found")]).await;
    let client = stub.client();
    let _ = client.companies().get("a/b c?%2e#ü").await;
    assert_eq!(
        stub.lines(),
        ["GET /api/companies/a%2Fb%20c%3F%252e%23%C3%BC"]
    );
    for bad in ["", ".", ".."] {
        let error = client.companies().assets(bad).await.unwrap_err();
        assert!(matches!(error, Error::Segment(_)), "{error:?}");
    }
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn all_follows_the_links_to_the_last_page() {
    let link = "link: </codex/api/contacts?limit=1&cursor=7a>; rel=\"next\"\r\n";
    let first = StubAnswer::Full("200 OK", link, "[]".into());
    let stub = Stub::new(vec![first, ok("[]")]).await;
    let client = Client::new(&format!("{}/codex/", stub.url), TokenSource::fixed("t")).unwrap();
    let options = ListOptions {
        limit: Some(1),
        ..ListOptions::default()
    };
    assert_eq!(client.contacts().all(&options).await.unwrap(), []);
    assert_eq!(
        stub.lines(),
        [
            "GET /codex/api/contacts?limit=1",
            "GET /codex/api/contacts?limit=1&cursor=7a"
        ]
    );
}

#[tokio::test]
async fn inbound_correlation_id_is_forwarded() {
    let stub = Stub::new(vec![ok("[]")]).await;
    let client = stub.client().with_correlation_id("inbound-1");
    client.companies().list().await.unwrap();
    assert_eq!(
        header(&stub.seen()[0], "x-correlation-id"),
        Some("inbound-1")
    );
}

#[tokio::test]
async fn degraded_health_is_an_answer_and_needs_no_token() {
    let body = r#"{"service":"codex","status":"degraded","timestamp":"2026-11-25T08:30:00+00:00","checks":{
        "database":{"status":"healthy","type":"sqlite"},"disk":{"status":"healthy"},
        "dependencies":{"core":{"status":"unhealthy","error":"timeout"}}}}"#;
    let unwell = StubAnswer::Full("503 Service Unavailable", "", body.into());
    let stub = Stub::new(vec![unwell]).await;
    let health = stub.client().health().get().await.unwrap();
    assert_eq!(health.status, Status::Degraded);
    assert_eq!(header(&stub.seen()[0], "authorization"), None);
}

#[tokio::test]
async fn concurrent_calls_request_one_token() {
    let core = Stub::new(vec![ok(r#"{"token":"fresh"}"#)]).await;
    let stub = Stub::new((0..4).map(|_| ok("[]")).collect()).await;
    let source = TokenSource::core(&core.url, "ledger").unwrap();
    let client = Client::new(&stub.url, source).unwrap();
    let companies = client.companies();
    let answers = tokio::join!(
        companies.list(),
        companies.list(),
        companies.list(),
        companies.list()
    );
    assert!(answers.0.is_ok() && answers.1.is_ok() && answers.2.is_ok() && answers.3.is_ok());
    assert_eq!(core.lines(), ["POST /service-token"]);
    for head in stub.seen() {
        assert_eq!(header(&head, "authorization"), Some("Bearer fresh"));
    }
}

#[tokio::test]
async fn refused_token_is_renewed_once() {
    let tokens = ["old", "new"].map(|t| ok(&format!(r#"{{"token":"{t}"}}"#)));
    let core = Stub::new(tokens.into()).await;
    let stub = Stub::new(vec![status("401 Unauthorized"), ok("[]")]).await;
    let source = TokenSource::core(&core.url, "ledger").unwrap();
    let client = Client::new(&stub.url, source).unwrap();
    assert_eq!(client.companies().list().await.unwrap(), []);
    let sent: Vec<_> = stub
        .seen()
        .iter()
        .map(|head| header(head, "authorization").map(str::to_owned))
        .collect();
    assert_eq!(sent, [Some("Bearer old".into()), Some("Bearer new".into())]);

    let stub = Stub::new(vec![status("401 Unauthorized")]).await;
    let error = stub.client().companies().list().await.unwrap_err();
    assert_eq!((error.status(), stub.seen().len()), (Some(401), 1));
}

#[tokio::test]
async fn token_is_used_until_expiry_when_renewal_fails() {
    // It ends 30 s after the date of the answer: {"iat":1000,"exp":1300}
    let token = "x.eyJpYXQiOjEwMDAsImV4cCI6MTMwMH0.y";
    let date = "date: Thu, 1 Jan 1970 00:21:10 GMT\r\n";
    let given = StubAnswer::Full("200 OK", date, format!(r#"{{"token":"{token}"}}"#));
    let core = Stub::new(vec![given, status("503 Service Unavailable")]).await;
    let stub = Stub::new((0..3).map(|_| ok("[]")).collect()).await;
    let source = TokenSource::core(&core.url, "ledger").unwrap();
    let client = Client::builder(&stub.url, source).retries(0).build();
    let client = client.unwrap();
    for asked in [1, 2, 2] {
        assert_eq!(client.companies().list().await.unwrap(), []);
        assert_eq!(core.seen().len(), asked);
    }
    for head in stub.seen() {
        let sent = header(&head, "authorization");
        assert_eq!(sent, Some(format!("Bearer {token}").as_str()));
    }
}

#[tokio::test]
async fn token_file_is_read_for_every_call() {
    let file = std::env::temp_dir().join(format!("codex-token-{}", uuid::Uuid::new_v4()));
    let stub = Stub::new(vec![ok("[]"), ok("[]")]).await;
    let client = Client::new(&stub.url, TokenSource::file(&file)).unwrap();
    for token in ["first", "second"] {
        std::fs::write(&file, format!("{token}\n")).unwrap();
        assert_eq!(client.companies().list().await.unwrap(), []);
        let sent = stub.seen().pop().unwrap();
        let sent = header(&sent, "authorization");
        assert_eq!(sent, Some(format!("Bearer {token}").as_str()));
    }
    std::fs::remove_file(&file).unwrap();
    let error = client.companies().list().await.unwrap_err();
    assert!(matches!(error, Error::Token(_)), "{error:?}");
    assert_eq!(stub.seen().len(), 2);
}

#[tokio::test]
async fn token_request_is_retried_when_core_is_down() {
    let core = Stub::new(vec![
        status("503 Service Unavailable"),
        ok(r#"{"token":"t"}"#),
    ])
    .await;
    let stub = Stub::new(vec![ok("[]")]).await;
    let source = TokenSource::core(&core.url, "ledger").unwrap();
    let client = Client::builder(&stub.url, source).backoff(Duration::from_millis(1));
    let client = client.build().unwrap();
    assert_eq!(client.companies().list().await.unwrap(), []);
    assert_eq!(core.seen().len(), 2);
}

#[tokio::test]
async fn tokens_are_not_in_debug_output_or_errors() {
    let stub = Stub::new(vec![status("403 Forbidden")]).await;
    let client = stub.client();
    let error = client.companies().list().await.unwrap_err();
    assert!(header(&stub.seen()[0], "authorization").is_some());
    for text in [
        format!("{client:?}"),
        format!("{error:?}"),
        error.to_string(),
    ] {
        assert!(!text.contains("secret-token"), "{text}");
    }
    let broken = Client::new(&stub.url, TokenSource::fixed("secret-token\n")).unwrap();
    let error = broken.companies().list().await.unwrap_err();
    assert!(matches!(error, Error::Token(_)), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("secret-token"));
}

#[test]
fn invalid_base_urls_are_refused() {
    for bad in ["", "codex", "ftp://codex", "127.0.0.1:5010"] {
        let made = Client::new(bad, TokenSource::fixed("t"));
        assert!(matches!(made, Err(Error::Address(_))), "{bad}");
    }
}
