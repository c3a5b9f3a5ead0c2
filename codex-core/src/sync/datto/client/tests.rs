//! Calls against a stub.

use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::{
    clock::SystemClock,
    sync::engine::http::stub::{Stub, answer, json, rate_limit_block, status},
};

const TOKEN: &str = "{\"access_token\": \"T\", \"expires_in\": 360000}";
const PAGE: &str = "{\"pageDetails\": {\"totalCount\": 1, \"nextPageUrl\": null}, \"sites\": [{}]}";

/// A platform that gives tokens and answers other calls by `reply`.
async fn client(
    reply: impl Fn(&str) -> String + Send + Sync + 'static,
) -> (Client, Stub, RateLimitBlock, TempDir) {
    let stub = Stub::new(move |_, request| {
        if request.starts_with("POST /auth/oauth/token ") {
            json(TOKEN)
        } else {
            reply(request)
        }
    })
    .await;
    let (rate_limit_block, folder) = rate_limit_block().await;
    (
        client_of(&stub, &rate_limit_block),
        stub,
        rate_limit_block,
        folder,
    )
}

fn client_of(stub: &Stub, rate_limit_block: &RateLimitBlock) -> Client {
    let http = HttpSettings {
        backoff: Duration::from_millis(1),
        max_wait: Duration::from_secs(2),
        ..HttpSettings::default()
    };
    let settings = Settings {
        base: stub.base.clone(),
        public_key: SecretString::from("PUBLIC"),
        secret_key: SecretString::from("PRIVATE"),
        http,
    };
    Client::new(settings, rate_limit_block.clone(), Arc::new(SystemClock)).unwrap()
}

fn grants(stub: &Stub) -> usize {
    let requests = stub.requests.lock().unwrap();
    requests
        .iter()
        .filter(|request| request.starts_with("POST "))
        .count()
}

async fn first_page(body: &'static str) -> Result<Page<u32>, UpstreamError> {
    let (client, _stub, _gate, _folder) = client(move |_| json(body)).await;
    client.page(&List::Sites, None).await
}

/// Trap 61f.
#[tokio::test]
async fn concurrent_calls_share_one_token() {
    let (client, stub, _gate, _folder) = client(|_| json(PAGE)).await;
    let calls = (0..6).map(|_| client.page(&List::Sites, None));
    for page in futures::future::join_all(calls).await {
        assert_eq!(page.unwrap().total, Some(1));
    }
    assert_eq!(grants(&stub), 1);
    let requests = stub.requests.lock().unwrap();
    assert!(requests[0].contains("username=PUBLIC&password=PRIVATE"));
    // `public-client:public` in base 64 (vendors 2.2).
    assert!(requests[0].contains("Basic cHVibGljLWNsaWVudDpwdWJsaWM="));
    assert!(requests[1].starts_with("GET /api/v2/account/sites?page=0&max=250 "));
    assert!(requests[1].contains("Bearer T"));
}

/// Trap 40.
#[tokio::test]
async fn refused_token_is_renewed_once_and_the_call_repeated() {
    let stub = Stub::new(|n, request| match n {
        0 => json("{\"access_token\": \"OLD\"}"),
        _ if request.starts_with("POST ") => json(TOKEN),
        _ if request.contains("Bearer OLD") => status(401),
        _ => json(PAGE),
    })
    .await;
    let (rate_limit_block, _folder) = rate_limit_block().await;
    let client = client_of(&stub, &rate_limit_block);
    let calls = (0..6).map(|_| client.page(&List::Sites, None));
    for page in futures::future::join_all(calls).await {
        assert!(page.is_ok());
    }
    assert_eq!(grants(&stub), 2, "one at first, one for all six");
}

#[tokio::test]
async fn second_refused_token_is_an_error() {
    let (client, stub, _gate, _folder) = client(|_| status(401)).await;
    let error = client.page(&List::Sites, None).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Unauthorized { .. }));
    assert_eq!(grants(&stub), 2);
}

#[tokio::test]
async fn invalid_keys_are_reported_for_400_and_401() {
    let body = "{\"error\": \"invalid_grant\"}";
    for code in [400, 401] {
        let stub = Stub::new(move |_, _| answer(code, &[], "application/json", body)).await;
        let (rate_limit_block, _folder) = rate_limit_block().await;
        let error = client_of(&stub, &rate_limit_block)
            .site("a")
            .await
            .unwrap_err();
        assert!(
            matches!(error, UpstreamError::Unauthorized { .. }),
            "{code}: {error}"
        );
        assert!(!format!("{error:?}").contains("PRIVATE"));
        assert_eq!(stub.count(), 1, "{code}");
    }
}

/// Trap 42.
#[tokio::test]
async fn forbidden_site_is_not_a_block() {
    let (client, _stub, rate_limit_block, _folder) = client(|request| {
        if request.starts_with("GET /api/v2/account ") {
            json("{\"id\": 1}")
        } else {
            status(403)
        }
    })
    .await;
    let error = client
        .page(&List::SiteDevices("s1".into()), None)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, UpstreamError::Forbidden { resource, .. } if resource == "site/s1/devices")
    );
    assert!(!error.stops_everything());
    assert_eq!(rate_limit_block.closed_until().await.unwrap(), None);
}

/// Trap 41.
#[tokio::test]
async fn forbidden_account_is_a_block_of_five_minutes() {
    let (client, stub, rate_limit_block, _folder) = client(|_| status(403)).await;
    let error = client.site("s1").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Blocked { .. }), "{error}");
    assert!(error.stops_everything());
    assert!(rate_limit_block.closed_until().await.unwrap().is_some());
    let calls = stub.count();
    assert!(matches!(
        client.site("s2").await,
        Err(UpstreamError::Blocked { .. })
    ));
    assert_eq!(stub.count(), calls, "a blocked address makes no calls");
}

/// Trap 41.
#[tokio::test]
async fn forbidden_after_a_rate_limit_is_a_block() {
    let stub = Stub::new(|n, _| match n {
        0 => json(TOKEN),
        1 => answer(429, &["retry-after: 0"], "text/plain", ""),
        _ => status(403),
    })
    .await;
    let (rate_limit_block, _folder) = rate_limit_block().await;
    let error = client_of(&stub, &rate_limit_block)
        .site("s1")
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::Blocked { .. }), "{error}");
    assert_eq!(stub.count(), 3);
}

/// Trap 41.
#[tokio::test]
async fn forbidden_token_request_is_a_block() {
    let stub = Stub::new(|_, _| status(403)).await;
    let (rate_limit_block, _folder) = rate_limit_block().await;
    let error = client_of(&stub, &rate_limit_block)
        .site("s1")
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::Blocked { .. }), "{error}");
    assert_eq!(stub.count(), 1);
}

/// Trap 38.
#[tokio::test]
async fn only_the_page_number_of_a_next_link_is_used() {
    let link =
        "{\"pageDetails\": {\"nextPageUrl\": \"/api/v2/account/sites?page=1\"}, \"sites\": []}";
    let (client, stub, _gate, _folder) = client(move |_| json(link)).await;
    let first = client.page(&List::Sites, None).await.unwrap();
    assert_eq!(first.next, Some(1));
    let error = client.page(&List::Sites, first.next).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Loop { .. }));
    let requests = stub.requests.lock().unwrap();
    assert!(requests[2].starts_with("GET /api/v2/account/sites?page=1&max=250 "));
}

/// Trap 38.
#[tokio::test]
async fn next_link_to_another_host_is_an_error() {
    let body =
        "{\"pageDetails\": {\"nextPageUrl\": \"https://other.test/x?page=1\"}, \"sites\": []}";
    let error = first_page(body).await.unwrap_err();
    assert!(matches!(error, UpstreamError::ForeignLink { .. }));
}

/// Anything else is malformed.
#[tokio::test]
async fn last_page_has_a_null_empty_or_absent_link() {
    for end in [
        "{\"pageDetails\": {\"nextPageUrl\": null}, \"sites\": []}",
        "{\"pageDetails\": {\"nextPageUrl\": \"\"}, \"sites\": []}",
        "{\"pageDetails\": {}, \"sites\": []}",
    ] {
        assert_eq!(first_page(end).await.unwrap().next, None, "{end}");
    }
    for bad in [
        "null",
        "{\"sites\": []}",
        "{\"pageDetails\": null, \"sites\": []}",
        "{\"pageDetails\": {}}",
        "{\"pageDetails\": {}, \"sites\": null}",
        "{\"pageDetails\": {\"nextPageUrl\": 7}, \"sites\": []}",
        "{\"pageDetails\": {\"nextPageUrl\": \"/x\"}, \"sites\": []}",
    ] {
        let error = first_page(bad).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Malformed { .. }), "{bad}");
    }
}

#[tokio::test]
async fn missing_device_is_none_and_a_wrapped_one_malformed() {
    let (client, _stub, _gate, _folder) = client(|request| {
        if request.contains("/device/gone ") {
            status(404)
        } else {
            json("{\"device\": {\"uid\": \"a\"}}")
        }
    })
    .await;
    assert!(client.device("gone").await.unwrap().is_none());
    let error = client.device("a").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Malformed { .. }));
}
