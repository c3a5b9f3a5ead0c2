//! `Idempotency-Key`: a POST that is sent twice is made once, and answered alike
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>).

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use codex_core::{
    KeptAnswer, Once,
    panics::{self, Panicked},
    store::telling_commits,
};

use crate::{
    app::App,
    auth::asker,
    body_limit,
    digest::hex,
    problem::Problem,
    request_id::{self, Route},
};

const HEADER: &str = "idempotency-key";
/// The longest key.
const LONGEST: usize = 200;
/// The largest answer that is kept.
const LARGEST: usize = 4 * 1024 * 1024;
/// What is kept in place of a larger one.
const TOO_LARGE: &[u8] = b"too large";

/// Makes a call with a key once per caller.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let key = request.headers().get(HEADER).cloned();
    match key {
        Some(key) if request.method() == Method::POST => {
            // A caller that hangs up must find the answer when it comes again: the call goes on without it.
            let call = async move { once(&app, &key, request, next).await };
            let call = panics::spawn("request", request_id::keep(call)).await;
            let answer = call.unwrap_or(Err(Panicked { place: "request" }));
            let answer = answer.unwrap_or_else(|_| Err(Problem::internal()));
            answer.unwrap_or_else(Problem::into_response)
        }
        _ => next.run(request).await,
    }
}

async fn once(
    app: &App,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = key
        .to_str()
        .ok()
        .filter(|key| !key.is_empty() && key.len() <= LONGEST);
    let key = key.ok_or_else(|| {
        let message = format!("Idempotency-Key: must be of 1 to {LONGEST} visible characters");
        Problem::bad_request(message)
    })?;
    // Whoever may not call is told so by the route.
    let Ok(caller) = asker(app, request.headers(), request.extensions()).await else {
        return Ok(next.run(request).await);
    };
    let (parts, body) = request.into_parts();
    let limit = app.config().server.body_limit;
    let body = to_bytes(body, limit).await;
    let body = body.map_err(|error| body_limit::unreadable(&error, limit))?;
    let what = hex(&[parts.uri.to_string().as_bytes(), &body]);
    let actor = caller.actor();
    match app.codex().begin_once(&actor, key, &what).await? {
        Once::Make => {}
        Once::Made(answer) if answer.body == TOO_LARGE => {
            let detail = "Idempotency-Key: the call was made; its answer was too large to be kept";
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
        Once::Made(answer) => return Ok(repeated(answer)),
        Once::Other => {
            let detail = "Idempotency-Key: was used for another call already";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        Once::Unknown(at) => {
            let detail = format!(
                "Idempotency-Key: a call with it began at {at}; whether it was made is not known yet"
            );
            return Err(Problem::new(StatusCode::CONFLICT, detail).retry_after(1));
        }
    }
    let call = next.run(Request::from_parts(parts, Body::from(body)));
    // A panic is an answer too: a call that came to no commit frees its key.
    let (response, may_be_made) = telling_commits(panics::guarded("request", call)).await;
    let response = response.unwrap_or_else(|_| Problem::internal().into_response());
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(|_| Problem::internal())?;
    let kind = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let status = parts.status;
    // A server error may come after the change was made: until somebody has looked, the key stands for a call of
    // which nothing more is known. What was refused, or only told, or never came to a commit, was not made: another
    // try may succeed.
    if status.is_server_error() && may_be_made {
        return Ok(Response::from_parts(parts, Body::from(body)));
    }
    let made = status.is_success() && status != StatusCode::ACCEPTED;
    let answer = made.then(|| KeptAnswer {
        status: status.as_u16(),
        content_type: kind.map(str::to_owned),
        body: if body.len() > LARGEST {
            TOO_LARGE.to_vec()
        } else {
            body.to_vec()
        },
    });
    if let Err(error) = app.codex().end_once(&actor, key, answer).await {
        tracing::error!(
            error = error.chain(),
            "The answer of a call with a key could not be kept"
        );
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn repeated(answer: KeptAnswer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    if let Some(kind) = answer
        .content_type
        .and_then(|kind| HeaderValue::from_str(&kind).ok())
    {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    response.extensions_mut().insert(Route::REPLAYED);
    response
}
