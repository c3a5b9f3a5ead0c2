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
async fn what_makes_something_is_sent_again_with_its_key() {
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
async fn a_sync_is_started_once_however_often_it_is_sent() {
    let stub = Stub::new(vec![status("502 Bad Gateway"), job()]).await;
    let client = stub.client();
    let started = client.sync().start(SyncKind::Psa).idempotency_key("mine");
    assert_eq!(started.await.unwrap().job_id, "j");
    assert_eq!(stub.lines(), ["POST /sync/psa", "POST /sync/psa"]);
    assert_eq!(keys(&stub), [Some("mine".into()), Some("mine".into())]);
}

#[tokio::test]
async fn tries_with_a_key_end_and_say_that_it_is_open() {
    let stub = Stub::new((0..9).map(|_| unknown_yet()).collect()).await;
    let error = stub.client().sync().start(SyncKind::Psa).await.unwrap_err();
    assert!(matches!(error, Error::Undecided { .. }), "{error:?}");
    assert_eq!((error.status(), error.is_retryable()), (Some(409), true));
    assert_eq!(stub.seen().len(), 3);
}

#[tokio::test]
async fn a_conflict_that_stays_is_not_tried_again() {
    let taken = StubAnswer::Full("409 Conflict", "", COMPANY.into());
    let stub = Stub::new(vec![taken]).await;
    let company = CompanyIn::default();
    let error = stub.client().companies().create(&company).await;
    let error = error.unwrap_err();
    assert_eq!((error.status(), error.is_retryable()), (Some(409), false));
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn a_key_or_tag_that_is_no_header_is_refused_here() {
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

#[tokio::test]
async fn a_change_with_a_condition_is_sent_once_and_without_one_again() {
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
async fn a_dry_run_has_no_key_and_is_tried_again() {
    let told = r#"{"changes":[],"dry_run":true}"#;
    let told = StubAnswer::Full("202 Accepted", "", told.into());
    let stub = Stub::new(vec![status("503 Service Unavailable"), told]).await;
    let company = stub.client().companies().create(&CompanyIn::default());
    assert_eq!(company.dry_run().await.unwrap().changes, []);
    assert_eq!(stub.lines(), ["POST /api/companies?dry_run=true"; 2]);
    assert_eq!(keys(&stub), [None, None]);
}

#[tokio::test]
async fn nothing_is_sent_before_it_is_awaited() {
    let stub = Stub::new(Vec::new()).await;
    drop(stub.client().contacts().delete(1));
    assert_eq!(stub.seen().len(), 0);
}

#[tokio::test]
async fn a_record_without_a_tag_cannot_be_held_against_one() {
    let plan = r#"{"plan_name":"x"}"#;
    let stub = Stub::new(vec![ok(plan)]).await;
    let read = stub.client().billing().plan(1).tagged().await;
    assert!(matches!(read, Err(Error::NoTag { .. })), "{read:?}");
}
