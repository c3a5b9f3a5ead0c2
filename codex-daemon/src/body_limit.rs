//! The largest body that is read, and how long its sender may stand still.

use std::{error::Error, time::Duration};

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
use hyper::body::{Body as _, Incoming};
use tower_http::timeout::{TimeoutBody, TimeoutError};

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

/// A body that ends with an error when its sender stands still for so long.
pub fn timed(body: Incoming, stall: Duration) -> Body {
    // Which routes without a body must know; the wrapper does not.
    if body.is_end_stream() {
        Body::new(body)
    } else {
        Body::new(TimeoutBody::new(stall, body))
    }
}

/// A body of at most `limit` bytes, for routes that take less than others.
pub async fn read(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(&mut body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => {
            if error.is::<LengthLimitError>() {
                drain(body).await;
            }
            Err(unreadable(&*error, limit))
        }
    }
}

/// Why a body of at most `limit` bytes could not be read.
pub fn unreadable(error: &(dyn Error + 'static), limit: usize) -> Problem {
    if is_of::<LengthLimitError>(error) {
        too_large(limit)
    } else if stood_still(error) {
        too_slow()
    } else {
        Problem::bad_request("The body ended early.")
    }
}

/// Whether a body could not be read because its sender stood still.
pub fn stood_still(error: &(dyn Error + 'static)) -> bool {
    is_of::<TimeoutError>(error)
}

/// The answer to whoever stands still.
pub fn too_slow() -> Problem {
    let detail = "The body stopped midway and was waited for in vain.";
    Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
}

/// Whether an error or one of its causes is of a type.
fn is_of<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<E>() {
            return true;
        }
        cause = error.source();
    }
    false
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
