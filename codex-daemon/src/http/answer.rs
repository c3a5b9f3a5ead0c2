//! The answer to a change: what was made, or what a dry run would change.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use codex_core::{Outcome, bulk::DryRunOut};
use serde_json::json;

use crate::http::problem::Problem;

/// What came of a change, with the answer to one that was made; 202 for a dry run.
#[derive(Debug)]
pub struct Answer<T>(Outcome<T>);

/// Answers a change with what `say` makes of it.
pub fn answer<T, A>(outcome: Outcome<T>, say: impl FnOnce(T) -> A) -> Answer<A> {
    Answer(outcome.map(say))
}

/// Answers a change with what `read` reads after it was made.
pub async fn answer_with<T, A, F>(
    outcome: Outcome<T>,
    read: impl FnOnce(T) -> F,
) -> Result<Answer<A>, Problem>
where
    F: Future<Output = Result<A, Problem>>,
{
    let outcome = match outcome {
        Outcome::Applied(value) => Outcome::Applied(read(value).await?),
        Outcome::Planned(planned) => Outcome::Planned(planned),
    };
    Ok(Answer(outcome))
}

/// 204: there is nothing to say about the change.
pub fn no_content(outcome: Outcome) -> Answer<StatusCode> {
    answer(outcome, |()| StatusCode::NO_CONTENT)
}

impl<T: IntoResponse> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        match self.0 {
            Outcome::Applied(answer) => answer.into_response(),
            Outcome::Planned(planned) => {
                // As a value, its keys are in order at every depth.
                let body = json!(DryRunOut::from(planned));
                (StatusCode::ACCEPTED, Json(body)).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, http::header::CONTENT_TYPE};
    use codex_core::{Fault, PlannedChanges, bulk::BulkOut};

    use super::*;

    #[tokio::test]
    async fn dry_run_is_202_with_its_keys_in_order() {
        let rows: BulkOut = serde_json::from_value(json!({"created": 0, "failed": 1, "updated": 0,
            "results": [{"errors": [Fault::at("name", "is required")], "id": null, "index": 0, "status": "failed"}]}))
        .unwrap();
        let planned = PlannedChanges {
            changes: Vec::new(),
            rows: Some(rows),
        };
        let response = no_content(Outcome::Planned(planned)).into_response();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        let body = to_bytes(response.into_body(), 4096).await.unwrap();
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            r#"{"changes":[],"dry_run":true,"rows":{"created":0,"failed":1,"results":[{"errors":[{"detail":"is required","pointer":"/name"}],"id":null,"index":0,"status":"failed"}],"updated":0}}"#
        );
    }

    #[tokio::test]
    async fn planned_change_is_not_read_back() {
        let planned = PlannedChanges {
            changes: Vec::new(),
            rows: None,
        };
        let read = |()| async { Err::<StatusCode, _>(Problem::not_found("not made")) };
        let response = answer_with(Outcome::Planned(planned), read).await.unwrap();
        assert_eq!(response.into_response().status(), StatusCode::ACCEPTED);
        let made = answer_with(Outcome::Applied(()), read).await.unwrap_err();
        assert_eq!(made.status(), StatusCode::NOT_FOUND);
    }
}
