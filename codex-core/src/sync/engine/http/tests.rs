//! One test per reaction, against a stub.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tempfile::TempDir;

use super::{
    HttpSettings, Reply, Upstream, UpstreamError, retry_after,
    stub::{Stub, answer, json, rate_limit_block, status},
};
use crate::{clock::ManualClock, sync::RateLimitBlock};

fn now() -> DateTime<Utc> {
    let now = DateTime::parse_from_rfc3339("2026-01-05T10:00:00Z").unwrap();
    now.to_utc()
}

fn quick() -> HttpSettings {
    HttpSettings {
        timeout: Duration::from_secs(5),
        max_wait: Duration::from_secs(2),
        backoff: Duration::from_millis(1),
        call_rate: super::CallRate::default(),
        verify_tls: true,
    }
}

struct Vendor {
    stub: Stub,
    upstream: Upstream,
    rate_limit_block: RateLimitBlock,
    _folder: TempDir,
}

impl Vendor {
    async fn new(answer: impl Fn(usize, &str) -> String + Send + Sync + 'static) -> Self {
        Self::with(quick(), answer).await
    }

    async fn with(
        settings: HttpSettings,
        answer: impl Fn(usize, &str) -> String + Send + Sync + 'static,
    ) -> Self {
        let (rate_limit_block, folder) = rate_limit_block().await;
        let clock = Arc::new(ManualClock::new(now()));
        let upstream = Upstream::new("stub", settings, rate_limit_block.clone(), clock).unwrap();
        let stub = Stub::new(answer).await;
        Self {
            stub,
            upstream,
            rate_limit_block,
            _folder: folder,
        }
    }

    async fn call(&self) -> Result<Reply, UpstreamError> {
        let url = self.stub.base.join("things?key=SECRET").unwrap();
        let get = |http: &reqwest::Client| http.get(url.clone()).bearer_auth("TOKEN");
        self.upstream.call("things", get).await
    }

    /// The error of a call, which says nothing that is secret.
    async fn error(&self) -> UpstreamError {
        let error = self.call().await.unwrap_err();
        let shown = format!("{error} {error:?}");
        for secret in ["SECRET", "TOKEN", "BODY"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(
            error.to_string().contains("stub") || error.to_string().contains("things"),
            "{error}"
        );
        error
    }

    async fn closed_for(&self) -> Option<TimeDelta> {
        Some(self.rate_limit_block.closed_until().await.unwrap()? - now())
    }
}

/// Calls a vendor that always answers the same; gives the error and how often it was called.
async fn always(text: String) -> (UpstreamError, usize) {
    let vendor = Vendor::new(move |_, _| text.clone()).await;
    let error = vendor.error().await;
    assert_eq!(vendor.upstream.calls(), vendor.stub.count() as u64);
    (error, vendor.stub.count())
}

#[tokio::test]
async fn successful_call_sends_our_user_agent() {
    let vendor = Vendor::new(|_, _| json("{\"a\": 1}")).await;
    assert_eq!(vendor.call().await.unwrap().body["a"], 1);
    let request = vendor.stub.requests.lock().unwrap()[0].to_lowercase();
    assert!(request.contains("user-agent: hivematrix-codex/"));
    assert!(request.contains("accept: application/json"));
}

#[tokio::test]
async fn refusals_are_not_retried() {
    let (error, calls) = always(status(401)).await;
    assert!(matches!(error, UpstreamError::Unauthorized { .. }));
    assert_eq!(calls, 1, "401");
    let (error, calls) = always(status(403)).await;
    assert!(matches!(error, UpstreamError::Forbidden { resource, .. } if resource == "things"));
    assert_eq!(calls, 1, "403");
    let (error, calls) = always(answer(404, &[], "text/html", "<p>BODY</p>")).await;
    assert!(matches!(error, UpstreamError::NotFound { .. }));
    assert_eq!(calls, 1, "404");
    let (error, calls) = always(answer(400, &[], "application/json", "{\"m\": \"BODY\"}")).await;
    assert!(matches!(error, UpstreamError::Status { code: 400, .. }));
    assert_eq!(calls, 1, "400");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = "location: http://127.0.0.1:1/elsewhere";
    let (error, calls) = always(answer(302, &[target], "text/html", "")).await;
    assert!(matches!(error, UpstreamError::Status { code: 302, .. }));
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn server_errors_are_tried_four_times() {
    for code in [500, 502, 503, 504] {
        let (error, calls) = always(status(code)).await;
        assert!(matches!(error, UpstreamError::Status { code: c, .. } if c == code));
        assert_eq!(calls, 4, "{code}");
    }
}

#[tokio::test]
async fn transient_errors_are_retried() {
    let vendor = Vendor::new(|n, _| match n {
        0 => status(502),
        1 => answer(200, &[], "text/html", "<p>maintenance</p>"),
        2 => "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
            .into(),
        _ => json("[]"),
    })
    .await;
    assert!(vendor.call().await.is_ok());
    assert_eq!(vendor.upstream.calls(), 4);
}

/// Traps 33 and 59.
#[tokio::test]
async fn html_with_status_200_is_an_error() {
    let (error, calls) = always(answer(200, &[], "text/html", "<p>BODY</p>")).await;
    assert!(
        matches!(error, UpstreamError::NotJson { content_type, .. } if content_type == "text/html")
    );
    assert_eq!(calls, 4);
}

#[tokio::test]
async fn truncated_bodies_are_retried() {
    for text in [json("{\"BODY\": [1, 2"), json("")] {
        let (error, calls) = always(text).await;
        assert!(matches!(error, UpstreamError::Truncated { .. }), "{error}");
        assert_eq!(calls, 4);
    }
}

#[tokio::test]
async fn invalid_json_is_not_retried() {
    for text in [json("{BODY}"), json("{} BODY")] {
        let (error, calls) = always(text).await;
        assert!(matches!(error, UpstreamError::Malformed { .. }), "{error}");
        assert_eq!(calls, 1);
    }
}

#[tokio::test]
async fn broken_connections_are_retried() {
    let (error, calls) = always(String::new()).await;
    assert!(matches!(error, UpstreamError::Transport { .. }));
    assert_eq!(calls, 4);
}

#[tokio::test]
async fn endless_answers_are_cut_off() {
    let settings = HttpSettings {
        timeout: Duration::from_secs(20),
        ..quick()
    };
    let vendor = Vendor::with(settings, |_, _| json(&"1".repeat(super::MAX_BODY + 1))).await;
    let error = vendor.call().await.unwrap_err();
    assert!(matches!(error, UpstreamError::TooLarge { .. }), "{error}");
    assert_eq!(vendor.upstream.calls(), 1);
}

#[tokio::test]
async fn implausible_quotas_block_no_call() {
    let reported = [
        "x-ratelimit-total: 18446744073709551615",
        "x-ratelimit-remaining: 18446744073709551615",
    ];
    let answers = move |_: usize, _: &str| answer(200, &reported, "application/json", "[]");
    let vendor = Vendor::new(answers).await;
    for _ in 0..3 {
        vendor.call().await.unwrap();
    }
}

#[tokio::test]
async fn configured_limit_replaces_vendor_quotas() {
    let reported = ["x-ratelimit-total: 10", "x-ratelimit-remaining: 0"];
    let settings = HttpSettings {
        call_rate: super::CallRate::new(Some(1_000)),
        ..quick()
    };
    let answers = move |_: usize, _: &str| answer(200, &reported, "application/json", "[]");
    let vendor = Vendor::with(settings, answers).await;
    // More than are granted at once.
    for _ in 0..40 {
        vendor.call().await.unwrap();
    }
    let budget = vendor.rate_limit_block.budget().await.unwrap();
    assert_eq!(budget.known, super::budget::Known::default());
}

#[tokio::test]
async fn short_rate_limit_is_waited_for() {
    let vendor = Vendor::new(|n, _| match n {
        0 => answer(429, &["retry-after: 1"], "text/plain", ""),
        _ => json("[]"),
    })
    .await;
    let start = std::time::Instant::now();
    assert!(vendor.call().await.is_ok());
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(vendor.closed_for().await, None);
}

#[tokio::test]
async fn long_rate_limit_blocks_all_callers() {
    let text = answer(429, &["retry-after: 1521"], "text/plain", "");
    let vendor = Vendor::new(move |_, _| text.clone()).await;
    let error = vendor.error().await;
    let reported = Some(Duration::from_secs(1521));
    assert!(
        matches!(error, UpstreamError::RateLimited { retry_after, .. } if retry_after == reported)
    );
    assert_eq!(vendor.closed_for().await, Some(TimeDelta::seconds(1521)));
    let error = vendor.error().await;
    assert!(matches!(error, UpstreamError::Blocked { .. }));
    assert_eq!(vendor.stub.count(), 1, "a closed vendor is not called");
}

#[tokio::test]
async fn block_set_by_a_wrong_clock_is_ignored() {
    let vendor = Vendor::new(|n, _| match n {
        0 => json("[]"),
        _ => answer(429, &["retry-after: 1521"], "text/plain", ""),
    })
    .await;
    let tomorrow = now() + TimeDelta::days(1);
    vendor
        .rate_limit_block
        .close(tomorrow, "a wrong clock")
        .await
        .unwrap();
    assert!(vendor.call().await.is_ok());
    vendor.error().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let closed = vendor.closed_for().await;
    // A nearer time counts.
    assert_eq!(closed, Some(TimeDelta::seconds(1521)));
}

#[tokio::test]
async fn endless_rate_limit_is_capped() {
    for wait in ["18446744073709551615", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let text = answer(429, &[&format!("retry-after: {wait}")], "text/plain", "");
        let vendor = Vendor::new(move |_, _| text.clone()).await;
        let error = vendor.error().await;
        assert!(matches!(error, UpstreamError::RateLimited { .. }));
        assert_eq!(
            vendor.closed_for().await,
            Some(TimeDelta::hours(1)),
            "{wait}"
        );
    }
}

#[tokio::test]
async fn repeated_rate_limits_end_the_run_after_the_maximum_wait() {
    let text = answer(429, &["retry-after: 1"], "text/plain", "");
    let settings = HttpSettings {
        max_wait: Duration::from_millis(1500),
        ..quick()
    };
    let vendor = Vendor::with(settings, move |_, _| text.clone()).await;
    assert!(matches!(
        vendor.error().await,
        UpstreamError::RateLimited { .. }
    ));
    assert_eq!(
        vendor.stub.count(),
        2,
        "a second wait would be longer than allowed"
    );
    assert_eq!(vendor.closed_for().await, Some(TimeDelta::seconds(1)));
}

/// Trap 61.
#[tokio::test]
async fn rate_limit_delays_concurrent_calls() {
    let vendor = Vendor::new(|n, _| match n {
        0 => answer(429, &["retry-after: 1"], "text/plain", ""),
        _ => json("[]"),
    })
    .await;
    let first = vendor.call();
    let second = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let start = std::time::Instant::now();
        let reply = vendor.call().await;
        (reply, start.elapsed())
    };
    let (first, (second, waited)) = tokio::join!(first, second);
    assert!(first.is_ok() && second.is_ok());
    assert!(waited >= Duration::from_millis(500), "{waited:?}");
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let read = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers, now())
    };
    let seconds = |n| Some(Duration::from_secs(n));
    assert_eq!(read("1521"), seconds(1521));
    assert_eq!(read("Mon, 05 Jan 2026 10:01:00 GMT"), seconds(60));
    assert_eq!(read("Mon, 05 Jan 2026 09:00:00 GMT"), seconds(0));
    assert_eq!(read("soon"), None);
}

#[tokio::test]
async fn announced_oversized_answer_is_refused_unread() {
    let announced =
        "HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 314572800\r\n\r\n[";
    let vendor = Vendor::new(move |_, _| announced.to_owned()).await;
    let error = vendor.error().await;
    assert!(matches!(error, UpstreamError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("64 MiB"), "{error}");
    assert_eq!(vendor.stub.count(), 1, "it would be as large again");
}

#[tokio::test]
async fn answer_without_a_length_is_read_to_the_limit() {
    let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    let body = format!("[\"{}\"", " ".repeat(super::MAX_BODY));
    let vendor = Vendor::new(move |_, _| format!("{head}{body}")).await;
    let error = vendor.error().await;
    assert!(matches!(error, UpstreamError::TooLarge { .. }), "{error}");
    let items = format!("[\"{}\", 1]", "x".repeat(9 << 20));
    let vendor = Vendor::new(move |_, _| json(&items)).await;
    let body = vendor.call().await.unwrap().body;
    assert_eq!(body[1], 1, "a large item costs no other");
}
