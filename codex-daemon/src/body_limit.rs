//! The largest body that is read.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, EXPECT},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::{app::App, problem::Problem};

/// How much of a refused body is read and thrown away, and for how long.
const DRAINED: u64 = 256 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Refuses bodies above the limit with 413; a body of unknown length ends with an error at the limit.
///
/// A refused body is read to its end first: a server that closes with unread data resets the connection,
/// and most clients then report a broken pipe instead of the 413.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let limit = app.config().server.body_limit;
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > limit as u64 => {
            // A client that asks first is told before it sends anything.
            if length <= DRAINED && !request.headers().contains_key(EXPECT) {
                drain(request.into_body()).await;
            }
            too_large(limit).into_response()
        }
        _ => {
            next.run(request.map(|body| Body::new(Limited::new(body, limit))))
                .await
        }
    }
}

/// A body of at most `limit` bytes, for routes that take less than others.
pub async fn read(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(&mut body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            drain(body).await;
            Err(too_large(limit))
        }
        Err(_) => Err(Problem::bad_request("The body ended early.")),
    }
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("The body is larger than {limit} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

async fn drain(mut body: Body) {
    let read_all = async { while let Some(Ok(_)) = body.frame().await {} };
    // Either way the answer follows; a client that is slower than this may miss it.
    let _ = tokio::time::timeout(DRAIN_TIME, read_all).await;
}
