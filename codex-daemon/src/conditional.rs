//! Answers that the caller has already, and changes of what the caller has seen (RFC 9110 13).
//!
//! The tag of an answer is a digest of its body, and of the headers that are part of what it says, so that it never
//! says the same of two answers. A large answer is
//! kept with the version of the database that it was made of: as long as nobody has committed anything, it is
//! not made again.

use std::sync::Arc;

use axum::{
    Json,
    body::{Body, Bytes, HttpBody as _, to_bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{ETAG, IF_MATCH, IF_NONE_MATCH, LINK},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use codex_core::Role;
use moka::future::Cache;
use serde::Serialize;

use crate::{
    app::App,
    auth::{Caller, Unchanged},
    digest::hex,
    problem::Problem,
};

/// The largest answer that gets a tag; larger ones are made while they are read.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Answers from this size on are kept.
const WORTH_KEEPING: usize = 8 * 1024;
/// Bytes of all answers that are kept.
const KEPT: u64 = 24 * 1024 * 1024;

/// A record as an answer, and when it last changed: what `If-Match` is held against.
#[derive(Debug)]
pub struct Versioned<T>(pub T, pub DateTime<Utc>);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        response.extensions_mut().insert(Unchanged(self.1));
        response
    }
}

/// An answer that is kept.
#[derive(Debug, Clone)]
struct Kept {
    version: String,
    tag: HeaderValue,
    body: Bytes,
    headers: HeaderMap,
}

/// The answers that are kept.
#[derive(Debug)]
pub struct Answers(Cache<String, Arc<Kept>>);

impl Answers {
    /// None yet.
    pub fn new() -> Self {
        let weigh = |key: &String, kept: &Arc<Kept>| {
            u32::try_from(key.len() + kept.body.len()).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(KEPT).weigher(weigh).build())
    }
}

/// Answers from what is kept where it can, with 304 where the caller has the answer, and with 412 where the
/// record is another than the caller has seen.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method() == Method::GET && is_tagged(request.uri().path()) {
        return read(&app, request, next).await;
    }
    if request.method().is_safe() || !request.headers().contains_key(IF_MATCH) {
        return next.run(request).await;
    }
    change(request, next).await
}

/// Lists and records; not what depends on the time of day, nor jobs and health.
fn is_tagged(path: &str) -> bool {
    let timely = path.ends_with("/active") || path == "/api/health";
    (path.starts_with("/api/") || path.starts_with("/billing-plans/api/")) && !timely
}

async fn read(app: &App, request: Request, next: Next) -> Response {
    let asked = request.headers().get(IF_NONE_MATCH).cloned();
    let key = key(app, request.headers(), request.uri()).await;
    let known = match &key {
        Some(key) => app.answers().0.get(key).await,
        None => None,
    };
    // The version is read first: an answer that is newer than its version is made once too often, never once
    // too seldom.
    let version = match (&key, &known) {
        (Some(_), Some(_)) => app.codex().version().await.ok(),
        _ => None,
    };
    if let (Some(kept), Some(version)) = (&known, &version)
        && kept.version == *version
    {
        return from_kept(kept, asked.as_ref());
    }
    let response = next.run(request).await;
    if response.status() != StatusCode::OK
        || response
            .body()
            .size_hint()
            .exact()
            .is_none_or(|size| size > LARGEST)
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Problem::internal().into_response();
    };
    let tag = tag(&parts.headers, &body);
    if let Some(key) = key.filter(|_| body.len() >= WORTH_KEEPING) {
        // The first time it is only learned that it is worth it.
        let kept = Kept {
            version: version.unwrap_or_default(),
            tag: tag.clone(),
            body: body.clone(),
            headers: parts.headers.clone(),
        };
        app.answers().0.insert(key, Arc::new(kept)).await;
    }
    if has(asked.as_ref(), &tag) {
        return not_modified(tag);
    }
    parts.headers.insert(ETAG, tag);
    Response::from_parts(parts, Body::from(body))
}

/// What an answer is kept under; `None` for callers whose sight is a question of its own.
async fn key(app: &App, headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let caller: Caller = app.auth().peek(headers, app.codex().now()).await.ok()?;
    if caller.role() == Role::Client || uri.path().starts_with("/api/my/") {
        return None;
    }
    let prefix = headers.get("x-forwarded-prefix");
    let prefix = prefix
        .and_then(|prefix| prefix.to_str().ok())
        .unwrap_or_default();
    Some(format!("{:?} {prefix} {uri}", caller.role()))
}

fn from_kept(kept: &Kept, asked: Option<&HeaderValue>) -> Response {
    if has(asked, &kept.tag) {
        return not_modified(kept.tag.clone());
    }
    let mut response = Response::new(Body::from(kept.body.clone()));
    *response.headers_mut() = kept.headers.clone();
    response.headers_mut().insert(ETAG, kept.tag.clone());
    response
}

async fn change(mut request: Request, next: Next) -> Response {
    let mut question = Request::new(Body::empty());
    *question.uri_mut() = request.uri().clone();
    *question.headers_mut() = without_body(request.headers());
    let answer = next.clone().run(question).await;
    let status = answer.status();
    if status == StatusCode::UNAUTHORIZED
        || status == StatusCode::FORBIDDEN
        || status == StatusCode::NOT_FOUND
    {
        return answer;
    }
    let changed = || {
        let detail = "The record is not as `If-Match` says: read it again";
        Problem::new(StatusCode::PRECONDITION_FAILED, detail).into_response()
    };
    let since = answer.extensions().get::<Unchanged>().copied();
    let (true, Some(since)) = (status == StatusCode::OK, since) else {
        return changed();
    };
    let (parts, body) = answer.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Problem::internal().into_response();
    };
    if !has(request.headers().get(IF_MATCH), &tag(&parts.headers, &body)) {
        return changed();
    }
    request.extensions_mut().insert(since);
    next.run(request).await
}

fn without_body(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [
        "content-type",
        "content-length",
        "transfer-encoding",
        "if-match",
        "if-none-match",
    ] {
        headers.remove(name);
    }
    headers
}

/// Weak, since a compressed answer has the same one. Where a list goes on and how long it is can change while the
/// page stays as it is.
fn tag(headers: &HeaderMap, body: &[u8]) -> HeaderValue {
    let said = |name: &str| headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    let word = hex(&[
        said(LINK.as_str()),
        b"\n",
        said("x-total-count"),
        b"\n",
        body,
    ]);
    HeaderValue::from_str(&format!("W/\"{}\"", &word[..32]))
        .unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// Whether a list of tags has one; `*` has any.
fn has(asked: Option<&HeaderValue>, tag: &HeaderValue) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Some(asked) = asked.and_then(|asked| asked.to_str().ok()) else {
        return false;
    };
    let wanted = bare(tag.to_str().unwrap_or_default());
    asked.trim() == "*" || asked.split(',').any(|one| bare(one) == wanted)
}

fn not_modified(tag: HeaderValue) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    response.headers_mut().insert(ETAG, tag);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tags_has_those_in_it() {
        let headers = HeaderMap::new();
        let (one, two) = (tag(&headers, b"1"), tag(&headers, b"2"));
        let list = HeaderValue::from_str(&format!("\"x\", {}", one.to_str().unwrap())).unwrap();
        assert!(has(Some(&list), &one));
        assert!(!has(Some(&list), &two));
        assert!(has(Some(&HeaderValue::from_static("*")), &two));
        assert!(!has(None, &one));
    }

    #[test]
    fn what_depends_on_the_time_has_no_tag() {
        for path in [
            "/api/tickets/active",
            "/api/psa/tickets/active",
            "/api/health",
            "/sync/jobs",
            "/health",
        ] {
            assert!(!is_tagged(path), "{path}");
        }
        assert!(is_tagged("/api/companies"));
    }
}
