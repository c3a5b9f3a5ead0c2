//! Calls that are made once, under a condition, or not at all.

use super::{Stub, StubAnswer, header, ok, status};
use crate::{CompanyIn, Error, Etag, LocationIn, SyncKind};

const COMPANY: &str = r#"{"type":"about:blank#conflict","status":409,"detail":"taken"}"#;

fn keys(stub: &Stub) -> Vec<Option<String>> {
    let seen = stub.seen();
    let keys = seen.iter().map(|head| header(head, "idempotency-key"));
    keys.map(|key| key.map(str::to_owned)).collect()
}

fn unknown_yet() -> StubAnswer {
    StubAnswer::Full("409 Conflict", "retry-after: 0\r\n", COMPANY.into())
}

fn job() -> StubAnswer {
    ok(r#"{"job_id":"j","message":"m","success":true}"#)
}

#[tokio::test]
async fn writes_are_retried_with_their_idempotency_key() {
    for trouble in [
        status("503 Service Unavailable"),
        status("429 Too Many Requests"),
        StubAnswer::Torn,
        unknown_yet(),
    ] {
        let stub = Stub::new(vec![trouble, ok("null"), ok("null")]).await;
        let client = stub.client();
        client.deleted().restore("contact", 1).await.unwrap();
        client.deleted().restore("contact", 1).await.unwrap();
        let keys = keys(&stub);
        assert!(keys[0].is_some());
        assert_eq!(keys[0], keys[1]);
        assert_ne!(keys[1], keys[2], "a call has a key of its own");
    }
}

#[tokio::test]
async fn retried_sync_start_keeps_its_idempotency_key() {
    let stub = Stub::new(vec![status("502 Bad Gateway"), job()]).await;
    let client = stub.client();
    let started = client.sync().start(SyncKind::Psa).idempotency_key("mine");
    assert_eq!(started.await.unwrap().job_id, "j");
    assert_eq!(stub.lines(), ["POST /sync/psa", "POST /sync/psa"]);
    assert_eq!(keys(&stub), [Some("mine".into()), Some("mine".into())]);
}

#[tokio::test]
async fn exhausted_retries_with_a_key_are_undecided() {
    let stub = Stub::new((0..9).map(|_| unknown_yet()).collect()).await;
    let error = stub.client().sync().start(SyncKind::Psa).await.unwrap_err();
    assert!(matches!(error, Error::Undecided { .. }), "{error:?}");
    assert_eq!((error.status(), error.is_retryable()), (Some(409), true));
    assert_eq!(stub.seen().len(), 3);
}

#[tokio::test]
async fn conflicts_are_not_retried() {
    let taken = StubAnswer::Full("409 Conflict", "", COMPANY.into());
    let stub = Stub::new(vec![taken]).await;
    let company = CompanyIn::default();
    let error = stub.client().companies().create(&company).await;
    let error = error.unwrap_err();
    assert_eq!((error.status(), error.is_retryable()), (Some(409), false));
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn invalid_keys_and_tags_are_refused_before_sending() {
    let stub = Stub::new(Vec::new()).await;
    let client = stub.client();
    for bad in ["", "a\nb"] {
        let keyed = client
            .sync()
            .start(SyncKind::Psa)
            .idempotency_key(bad)
            .await;
        assert!(matches!(keyed, Err(Error::Header(_))), "{keyed:?}");
        let tag = Etag::from(bad.to_owned());
        let deleted = client.contacts().delete(1).if_match(&tag).await;
        assert!(matches!(deleted, Err(Error::Header(_))), "{deleted:?}");
    }
    assert_eq!(stub.seen().len(), 0);
}

/// An update without a condition is.
#[tokio::test]
async fn conditional_updates_are_not_retried() {
    let body = LocationIn::default();
    for (tag, calls) in [(None, 3), (Some("W/\"1\""), 1)] {
        let stub = Stub::new((0..9).map(|_| status("502 Bad Gateway")).collect()).await;
        let mut edit = stub.client().companies().update_location("1", 1, &body);
        if let Some(tag) = tag {
            edit = edit.if_match(&Etag::from(tag.to_owned()));
        }
        assert_eq!(edit.await.unwrap_err().status(), Some(502));
        assert_eq!(header(&stub.seen()[0], "if-match"), tag);
        assert_eq!(stub.seen().len(), calls);
    }
}

#[tokio::test]
async fn dry_runs_are_retried_without_a_key() {
    let reported = r#"{"changes":[],"dry_run":true}"#;
    let reported = StubAnswer::Full("202 Accepted", "", reported.into());
    let stub = Stub::new(vec![status("503 Service Unavailable"), reported]).await;
    let company = stub.client().companies().create(&CompanyIn::default());
    assert_eq!(company.dry_run().await.unwrap().changes, []);
    assert_eq!(stub.lines(), ["POST /api/companies?dry_run=true"; 2]);
    assert_eq!(keys(&stub), [None, None]);
}

#[tokio::test]
async fn calls_are_sent_only_when_awaited() {
    let stub = Stub::new(Vec::new()).await;
    drop(stub.client().contacts().delete(1));
    assert_eq!(stub.seen().len(), 0);
}

#[tokio::test]
async fn tagged_read_without_an_etag_is_an_error() {
    let plan = r#"{"plan_name":"x"}"#;
    let stub = Stub::new(vec![ok(plan)]).await;
    let read = stub.client().billing().plan(1).tagged().await;
    assert!(matches!(read, Err(Error::NoTag { .. })), "{read:?}");
}
