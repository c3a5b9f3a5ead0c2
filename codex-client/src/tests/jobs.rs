//! Jobs that are watched and waited for.

use std::time::Duration;

use futures::TryStreamExt as _;
use serde_json::json;

use super::{Stub, StubAnswer, ok, status};
use crate::{Error, JobStatus};

fn job(status: &str, stage: &str) -> StubAnswer {
    let at = "2026-01-05T10:00:00.000000+00:00";
    let job = json!({"id": "j", "script": "psa", "started_at": at, "status": status, "report": {"stage": stage}});
    ok(&job.to_string())
}

#[tokio::test]
async fn watch_yields_each_state_once_and_ends_with_the_job() {
    let stub = Stub::new(vec![
        job("queued", ""),
        job("running", "departments"),
        job("running", "departments"),
        status("503 Service Unavailable"),
        job("running", "requesters"),
        job("cancelled", "requesters"),
    ])
    .await;
    let states = stub.client().sync().watch("j");
    assert_eq!(stub.seen().len(), 0);
    let states: Vec<_> = states.try_collect().await.unwrap();
    let found: Vec<_> = states
        .iter()
        .map(|job| (job.status, job.report.stage.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (JobStatus::Queued, ""),
            (JobStatus::Running, "departments"),
            (JobStatus::Running, "requesters"),
            (JobStatus::Cancelled, "requesters"),
        ]
    );
    assert_eq!(stub.lines(), ["GET /sync/jobs/j"; 6]);
}

#[tokio::test]
async fn watch_of_an_unknown_job_is_one_error() {
    let stub = Stub::new(vec![status("404 Not Found")]).await;
    let mut states = stub.client().sync().watch("j");
    let error = states.try_next().await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    assert_eq!(states.try_next().await.unwrap(), None);
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn wait_returns_at_the_end_of_the_job_or_of_its_time() {
    let stub = Stub::new(vec![
        job("running", ""),
        job("completed", ""),
        job("running", ""),
    ])
    .await;
    let client = stub.client();
    let ended = client.sync().wait("j", Duration::from_secs(60)).await;
    let ended = ended.unwrap();
    assert_eq!(ended.status, JobStatus::Completed);
    assert_eq!(ended.started_at.to_rfc3339(), "2026-01-05T10:00:00+00:00");
    let error = client.sync().wait("j", Duration::ZERO).await.unwrap_err();
    assert!(
        matches!(error, Error::StillRunning(_)) && error.is_retryable(),
        "{error:?}"
    );
    assert_eq!(stub.lines(), ["GET /sync/status/j"; 3]);
}
