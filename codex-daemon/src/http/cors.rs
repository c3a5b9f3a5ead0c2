//! Cross-origin calls: pages of the origins in `[server] cors_origins` may call the API from a browser.
//!
//! Written here because the layer of tower-http takes every OPTIONS for a preflight, and ours answers with `Allow`.

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
        },
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{app::App, config::Origin, http::headers};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE");
/// What callers may send.
const SENT: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, if-none-match, prefer, x-correlation-id",
);
/// What callers may read of an answer, besides what browsers always show.
const SHOWN: HeaderValue = HeaderValue::from_static(
    "etag, link, location, preference-applied, retry-after, x-correlation-id, x-ignored-parameters, x-total-count",
);
/// Seconds that a browser keeps the answer to a preflight.
const KEPT: HeaderValue = HeaderValue::from_static("3600");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// Answers preflights, and marks the answers that an allowed origin may read. Without allowed origins it does nothing.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let config = app.config();
    let origins = &config.server.cors_origins;
    if origins.is_empty() {
        return next.run(request).await;
    }
    let allowed = allowed(origins, request.headers());
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &allowed {
        Some(_) if is_preflight => preflight(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
    }
    response
}

/// What `Access-Control-Allow-Origin` says to the origin of a call; `None` when it may not read.
fn allowed(origins: &[Origin], headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers::value(headers, ORIGIN)?;
    if origins.contains(&Origin::Any) {
        return Some(ANY);
    }
    let is_listed = origins.contains(&Origin::One(origin.clone()));
    is_listed.then(|| origin.clone())
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, SENT);
    headers.insert(ACCESS_CONTROL_MAX_AGE, KEPT);
    response
}
