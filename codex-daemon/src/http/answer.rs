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
pub fn answer<T, A>(outcome: Outcome<T>, say: impl FnOnce(T) -> A) -> Result<Answer<A>, Problem> {
    Ok(Answer(outcome.map(say)))
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
pub fn no_content(outcome: Outcome) -> Result<Answer<StatusCode>, Problem> {
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
