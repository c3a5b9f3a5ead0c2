//! Answers that are kept.

use super::{Stub, StubAnswer, header, ok, status};
use crate::ListOptions;

const TAGGED: &str =
    "etag: W/\"1\"\r\nx-total-count: 7\r\nlink: </api/contacts?cursor=7a>; rel=\"next\"\r\n";

fn tagged(body: &str) -> StubAnswer {
    StubAnswer::Full("200 OK", TAGGED, body.to_owned())
}

fn unchanged() -> StubAnswer {
    StubAnswer::Full("304 Not Modified", "etag: W/\"1\"\r\n", String::new())
}

#[tokio::test]
async fn cached_answers_are_revalidated_and_keep_their_headers() {
    let stub = Stub::new(vec![tagged("[]"), unchanged(), unchanged(), tagged("[]")]).await;
    let client = stub.client();
    for _ in 0..3 {
        let page = client.contacts().list(&ListOptions::default()).await;
        let page = page.unwrap();
        assert_eq!((page.next.as_deref(), page.total), (Some("7a"), Some(7)));
    }
    let conditions: Vec<_> = stub
        .seen()
        .iter()
        .map(|head| header(head, "if-none-match").map(str::to_owned))
        .collect();
    let tag = Some("W/\"1\"".to_owned());
    assert_eq!(conditions, [None, tag.clone(), tag]);
    let other = ListOptions {
        limit: Some(1),
        ..ListOptions::default()
    };
    client.contacts().list(&other).await.unwrap();
    assert_eq!(header(&stub.seen()[3], "if-none-match"), None);
}

#[tokio::test]
async fn changed_answer_replaces_the_cached_one() {
    let newer = r#"{"info":"b"}"#.to_owned();
    let newer = StubAnswer::Full("200 OK", "etag: W/\"2\"\r\n", newer);
    let stub = Stub::new(vec![tagged(r#"{"info":"a"}"#), newer, unchanged()]).await;
    let client = stub.client();
    for wanted in ["a", "b", "b"] {
        let description = client.openapi().await.unwrap();
        assert_eq!(description["info"], wanted);
    }
    assert_eq!(header(&stub.seen()[2], "if-none-match"), Some("W/\"2\""));
}

/// Nor is any answer with a cache of 0 bytes.
#[tokio::test]
async fn large_and_untagged_answers_are_not_cached() {
    let long = format!("[{}]", " ".repeat(20_000));
    for (bytes, first) in [
        (0, tagged("[]")),
        (100_000, tagged(&long)),
        (100_000, ok("[]")),
    ] {
        let stub = Stub::new(vec![first, tagged("[]")]).await;
        let client = stub.builder().cache_bytes(bytes).build().unwrap();
        for _ in 0..2 {
            client.companies().list().await.unwrap();
        }
        assert_eq!(header(&stub.seen()[1], "if-none-match"), None, "{bytes}");
    }
}

#[tokio::test]
async fn unexpected_304_is_an_error() {
    let stub = Stub::new(vec![status("304 Not Modified")]).await;
    let error = stub.client().companies().list().await.unwrap_err();
    assert_eq!(error.status(), Some(304));
}
