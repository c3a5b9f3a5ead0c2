//! Answers that the caller has already, and changes of what the caller has seen (RFC 9110 13).
//!
//! The tag of an answer is a digest of its body, and of the headers that are part of what it says, so that it never
//! says the same of two answers. That of a record also names the record's version, and a change is held against
//! the version alone: what moves at every sync (when a device was last seen, when agents were last read) is in the
//! answer, and yet nobody has changed the record.
//!
//! A large answer is kept until what it was made of changes: see [`crate::http::answer_cache`].

use axum::{
    Json,
    body::{Body, HttpBody as _, to_bytes},
    extract::{Request, State},
    http::{
        Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{CONTENT_LENGTH, ETAG, IF_MATCH, IF_NONE_MATCH, LINK},
        response::Parts,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use codex_core::{Role, store::noting_reads};
use serde::Serialize;

use crate::{
    app::App,
    auth::{RecordVersion, Tentative, cached_caller},
    http::{
        answer_cache::Kept, digest::hex, forwarded::Forwarded, handling::is_strict, headers::list,
        problem::Problem, request_id::Route,
    },
    pages,
};

/// The largest answer that gets a tag; larger ones are made while they are read.
const LARGEST: u64 = 16 * 1024 * 1024;
/// The longest name of a question whose answer is kept: thousands of them are remembered.
const LONGEST_NAME: usize = 2 * 1024;

/// A record as an answer, and when it last changed, which is its version; `None` where there is no record.
#[derive(Debug)]
pub struct Versioned<T>(pub T, pub Option<DateTime<Utc>>);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        if let Some(at) = self.1 {
            response.extensions_mut().insert(RecordVersion(at));
        }
        response
    }
}

/// Answers from what is kept where it can, with 304 where the caller has the answer, and with 412 where the
/// record is another than the caller has seen.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let head = request.method() == Method::HEAD;
    if (head || request.method() == Method::GET) && is_tagged(request.uri().path()) {
        return if head {
            without_its_body(read(&app, as_get(request), next).await)
        } else {
            read(&app, request, next).await
        };
    }
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let put = request.method() == Method::PUT;
    let answer = if request.headers().contains_key(IF_MATCH) {
        change(request, next).await
    } else if put && request.headers().contains_key(IF_NONE_MATCH) {
        make(request, next).await
    } else {
        next.run(request).await
    };
    if put && answer.extensions().get::<RecordVersion>().is_some() {
        tagged(answer).await
    } else {
        answer
    }
}

/// The same call for the whole answer: its tag is made of the body.
fn as_get(mut request: Request) -> Request {
    *request.method_mut() = Method::GET;
    request
}

/// What a record is after a change of it, with the tag for the next.
async fn tagged(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Problem::internal().into_response();
    };
    let tag = tag(&parts, &body);
    parts.headers.insert(ETAG, tag);
    Response::from_parts(parts, Body::from(body))
}

/// Says how long the body is, and does not send it.
fn without_its_body(mut response: Response) -> Response {
    let length = response.body().size_hint().exact();
    *response.body_mut() = Body::empty();
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response
}

/// Lists, records and scripts; not what depends on the time of day, nor jobs and health.
pub fn is_tagged(path: &str) -> bool {
    let timely = path.ends_with("/active") || path == "/api/health";
    let folders = ["/api/", "/billing-plans/api/", pages::SCRIPTS];
    folders.iter().any(|folder| path.starts_with(folder)) && !timely
}

async fn read(app: &App, request: Request, next: Next) -> Response {
    let asked = list(request.headers(), &IF_NONE_MATCH);
    let key = key(app, request.uri(), request.headers(), request.extensions()).await;
    let Some(key) = key else {
        let response = next.run(request).await;
        return match whole(response).await {
            Ok((answer, parts)) => answered(answer, parts, asked.as_ref()),
            Err(response) => response,
        };
    };
    let make = async |making| {
        let (response, reads) = noting_reads(next.run(request)).await;
        match whole(response).await {
            Ok((answer, parts)) => {
                app.answers().keep(making, reads, &answer).await;
                answered(answer, parts, asked.as_ref())
            }
            Err(response) => response,
        }
    };
    match app.answers().answer(app.codex(), key, make).await {
        Ok(kept) => from_kept(kept, asked.as_ref()),
        Err(response) => response,
    }
}

/// An answer that can have a tag, in one piece, with the parts of its response; any other as it is.
async fn whole(response: Response) -> Result<(Kept, Parts), Response> {
    let size = response.body().size_hint().exact();
    if response.status() != StatusCode::OK || size.is_none_or(|size| size > LARGEST) {
        return Err(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await;
    let body = body.map_err(|_| Problem::internal().into_response())?;
    let answer = Kept {
        tag: tag(&parts, &body),
        body,
        headers: parts.headers.clone(),
        route: parts.extensions.get().cloned(),
    };
    Ok((answer, parts))
}

/// An answer that was just made.
fn answered(answer: Kept, mut parts: Parts, asked: Option<&HeaderValue>) -> Response {
    if has(asked, &answer.tag) {
        return not_modified(answer.tag, answer.route);
    }
    parts.headers.insert(ETAG, answer.tag);
    Response::from_parts(parts, Body::from(answer.body))
}

/// What an answer is kept under; `None` for callers whose sight is a question of its own.
async fn key(app: &App, uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Option<String> {
    let caller = cached_caller(app, headers, extensions).await.ok()?;
    if caller.role() == Role::Client || is_personal(uri.path()) {
        return None;
    }
    let forwarded = Forwarded::of(headers);
    named(caller.role(), is_strict(headers), forwarded.prefix(), uri)
}

/// Whether two callers of one role get different answers.
fn is_personal(path: &str) -> bool {
    path.starts_with("/api/my/") || path == "/api/views" || path.starts_with("/api/views/")
}

/// What a question is called; `None` for one that is too long to be remembered.
fn named(role: Role, strict: bool, prefix: &str, uri: &Uri) -> Option<String> {
    let name = format!("{role:?} {strict} {prefix} {uri}");
    (name.len() <= LONGEST_NAME).then_some(name)
}

fn from_kept(kept: Kept, asked: Option<&HeaderValue>) -> Response {
    if has(asked, &kept.tag) {
        return not_modified(kept.tag, kept.route);
    }
    let mut response = Response::new(Body::from(kept.body));
    *response.headers_mut() = kept.headers;
    response.headers_mut().insert(ETAG, kept.tag);
    name(response, kept.route)
}

/// The record is read the way its caller reads it. What cannot be read, or has no version, is never as anybody
/// has seen it. The precondition is judged last (RFC 9110, section 13.2.1): a call that would be refused without it
/// is refused for that reason.
async fn change(mut request: Request, next: Next) -> Response {
    let answer = next.clone().run(question(&request)).await;
    let since = answer.extensions().get::<RecordVersion>().copied();
    let seen = list(request.headers(), &IF_MATCH);
    let since = since.filter(|since| is_of_version(seen.as_ref(), *since));
    if let (StatusCode::OK, Some(since)) = (answer.status(), since) {
        request.extensions_mut().insert(since);
        return next.run(request).await;
    }
    // Vendors' reports have no caller that could be judged.
    if request.uri().path().starts_with("/webhooks/") {
        return precondition_failed().into_response();
    }
    request.extensions_mut().insert(Tentative);
    let answer = next.run(request).await;
    if answer.status().is_success() {
        return precondition_failed().into_response();
    }
    answer
}

/// The answer to a change of a record that is not as its caller has seen it.
pub fn precondition_failed() -> Problem {
    let detail = "The record is not as `If-Match` says: read it again";
    Problem::new(StatusCode::PRECONDITION_FAILED, detail)
}

/// A record is written only where there is none, or another than those that the caller has seen.
async fn make(request: Request, next: Next) -> Response {
    let answer = next.clone().run(question(&request)).await;
    let (parts, body) = answer.into_parts();
    if parts.status == StatusCode::OK {
        let Ok(body) = to_bytes(body, usize::MAX).await else {
            return Problem::internal().into_response();
        };
        let unwanted = list(request.headers(), &IF_NONE_MATCH);
        if has(unwanted.as_ref(), &tag(&parts, &body)) {
            let detail = "There is such a record already: `If-None-Match` forbids to change it";
            return Problem::new(StatusCode::PRECONDITION_FAILED, detail).into_response();
        }
    }
    next.run(request).await
}

/// What is at the address of a change, as its caller would read it.
fn question(request: &Request) -> Request {
    let mut question = Request::new(Body::empty());
    // Its parameters are those of the change.
    *question.uri_mut() = request.uri().path().parse().unwrap_or_default();
    *question.headers_mut() = without_body(request.headers());
    *question.extensions_mut() = request.extensions().clone();
    question
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
fn tag(parts: &Parts, body: &[u8]) -> HeaderValue {
    let said = |name: &str| {
        let value = parts.headers.get(name);
        value.map_or(&b""[..], HeaderValue::as_bytes)
    };
    let word = hex(&[
        said(LINK.as_str()),
        b"\n",
        said("x-total-count"),
        b"\n",
        body,
    ]);
    let version = parts.extensions.get::<RecordVersion>();
    let version = version.map_or_else(String::new, |since| version_of(*since));
    HeaderValue::from_str(&format!("W/\"{}{version}\"", &word[..32]))
        .unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// How the tag of a record ends.
fn version_of(RecordVersion(at): RecordVersion) -> String {
    format!("-{:x}", at.timestamp_micros())
}

/// Whether a list of tags has one; `*` has any.
fn has(asked: Option<&HeaderValue>, tag: &HeaderValue) -> bool {
    let wanted = bare(tag.to_str().unwrap_or_default());
    any(asked, |one| one == wanted)
}

/// Whether a list of tags has one of a record of this version; `*` has any.
fn is_of_version(asked: Option<&HeaderValue>, since: RecordVersion) -> bool {
    let wanted = version_of(since);
    any(asked, |one| one.ends_with(&wanted))
}

fn any(asked: Option<&HeaderValue>, wanted: impl Fn(&str) -> bool) -> bool {
    let Some(asked) = asked.and_then(|asked| asked.to_str().ok()) else {
        return false;
    };
    asked.trim() == "*" || asked.split(',').any(|one| wanted(bare(one)))
}

/// What a tag says, without its marks.
fn bare(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

fn not_modified(tag: HeaderValue, route: Option<Route>) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    response.headers_mut().insert(ETAG, tag);
    name(response, route)
}

fn name(mut response: Response, route: Option<Route>) -> Response {
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(version: Option<i64>) -> Parts {
        let at = version.and_then(DateTime::from_timestamp_micros);
        Versioned((), at).into_response().into_parts().0
    }

    #[test]
    fn tag_list_matches_its_members() {
        let answer = answer(None);
        let (one, two) = (tag(&answer, b"1"), tag(&answer, b"2"));
        let list = HeaderValue::from_str(&format!("\"x\", {}", one.to_str().unwrap())).unwrap();
        assert!(has(Some(&list), &one));
        assert!(!has(Some(&list), &two));
        assert!(has(Some(&HeaderValue::from_static("*")), &two));
        assert!(!has(None, &one));
    }

    #[test]
    fn record_version_ignores_other_parts_of_the_answer() {
        let (old, new) = (answer(Some(1)), answer(Some(2)));
        let (before, after) = (tag(&old, b"seen at 1"), tag(&old, b"seen at 2"));
        assert!(!has(Some(&before), &after));
        for tag in [&before, &after, &HeaderValue::from_static("*")] {
            assert!(is_of_version(
                Some(tag),
                *old.extensions.get::<RecordVersion>().unwrap()
            ));
        }
        let since = *new.extensions.get::<RecordVersion>().unwrap();
        for other in [before, tag(&answer(None), b"seen at 1")] {
            assert!(!is_of_version(Some(&other), since));
        }
        assert!(!is_of_version(None, since));
    }

    #[test]
    fn overlong_queries_are_not_remembered() {
        let name = |query: usize| {
            let uri = format!("/api/contacts?q={}", "x".repeat(query));
            named(Role::Admin, false, "/codex", &uri.parse().unwrap())
        };
        assert!(name(1_000).is_some());
        assert_eq!(name(10_000), None);
    }

    #[test]
    fn time_dependent_answers_have_no_tag() {
        for path in [
            "/api/tickets/active",
            "/api/psa/tickets/active",
            "/api/health",
            "/sync/jobs",
            "/health",
        ] {
            assert!(!is_tagged(path), "{path}");
        }
        for path in ["/api/companies", "/static/codex.js"] {
            assert!(is_tagged(path), "{path}");
        }
    }
}
