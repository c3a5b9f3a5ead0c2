//! The largest body that is read, and how long its sender may stand still.

use std::{
    error::Error,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use axum::{
    BoxError,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header::CONTENT_LENGTH},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tower_http::timeout::{TimeoutBody, TimeoutError};

use crate::{
    app::App,
    http::{connections::Activity, headers::single, problem::Problem},
};

/// Refuses bodies above the limit with 413; a body of unknown length ends with an error at the limit.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let limit = app.config().server.body_limit;
    let length = single(request.headers(), CONTENT_LENGTH);
    match length.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > limit as u64 => too_large(limit).into_response(),
        _ => {
            next.run(request.map(|body| Body::new(Limited::new(body, limit))))
                .await
        }
    }
}

/// A body that ends with an error when its sender stands still for `stall`, or takes longer than `longest` in all.
pub fn timed(body: Incoming, stall: Duration, longest: Duration, activity: Arc<Activity>) -> Body {
    // Which routes without a body must know; the wrapper does not.
    if body.is_end_stream() {
        activity.set_unread(false);
        return Body::new(body);
    }
    activity.set_unread(true);
    Body::new(Received {
        body: Box::pin(TimeoutBody::new(stall, body)),
        until: Instant::now() + longest,
        activity,
    })
}

/// A body on its way here.
struct Received {
    body: Pin<Box<TimeoutBody<Incoming>>>,
    until: Instant,
    activity: Arc<Activity>,
}

/// A body took too long.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct OutOfTime;

impl hyper::body::Body for Received {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = ready!(this.body.as_mut().poll_frame(context));
        // No timer of its own: a client that sends nothing at all meets the shorter limit.
        if frame.is_some() && Instant::now() > this.until {
            return Poll::Ready(Some(Err(OutOfTime.into())));
        }
        this.activity
            .set_unread(frame.is_some() && !this.body.is_end_stream());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body of at most `limit` bytes that takes no longer than `longest`, for routes that take less than others.
pub async fn read(body: Body, limit: usize, longest: Duration) -> Result<Bytes, Problem> {
    let read = Limited::new(body, limit).collect();
    match tokio::time::timeout(longest, read).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) => Err(unreadable(&*error, limit)),
        Err(_) => Err(too_slow()),
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

/// Whether a body could not be read because its sender was too slow.
pub fn stood_still(error: &(dyn Error + 'static)) -> bool {
    is_of::<TimeoutError>(error) || is_of::<OutOfTime>(error)
}

/// The answer to a client that is too slow.
pub fn too_slow() -> Problem {
    let detail = "The body did not arrive in time.";
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
