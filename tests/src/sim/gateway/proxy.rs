//! Requests on their way to Codex, and its answers on their way back.

use std::{collections::BTreeSet, io, sync::Arc, time::Duration};

use axum::{
    body::{self, Body, Bytes},
    extract,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri,
        header::{
            ALLOW, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST,
            SET_COOKIE, TRANSFER_ENCODING, VARY,
        },
        request::Parts,
    },
};
use futures::{Stream, TryStreamExt as _, stream};
use percent_encoding::percent_decode_str;
use tokio::time::timeout;
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::{
    PREFIX, State, frame, panel,
    session::{Session, set_cookie, to_login},
};
use crate::sim::reply::raw;

/// The largest body that it takes from a browser: it is read whole.
const LARGEST: usize = 64 * 1024 * 1024;
/// What Nexus says when a module does not answer in time.
const UNAVAILABLE: &str = "Service temporarily unavailable";
const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
/// What Nexus sets anew, or what is of one connection alone.
const NOT_SENT: [HeaderName; 5] = [
    HOST,
    AUTHORIZATION,
    CONTENT_LENGTH,
    CONNECTION,
    TRANSFER_ENCODING,
];
const NOT_RETURNED: [HeaderName; 5] = [
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONNECTION,
    CORRELATION,
];

/// Everything that the gateway does not answer itself.
pub(super) async fn pass(
    extract::State(state): extract::State<Arc<State>>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some(target) = target(&state.codex, &parts.uri) else {
        return text(StatusCode::NOT_FOUND, "Service not found");
    };
    match parts.method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE => {}
        Method::OPTIONS => return options(),
        // Nexus has no route for any other method, and makes an error of that.
        _ => return text(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
    }
    let Some(session) = state.session(&parts.headers).await else {
        return to_login(&parts.uri);
    };
    let Ok(body) = body::to_bytes(body, LARGEST).await else {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large");
    };
    let answered = forward(&state, &session, &parts, target, body).await;
    if !parts.method.is_safe() {
        state.sessions.forget_theme(&session.id);
    }
    let Some(answer) = answered else {
        return text(StatusCode::BAD_GATEWAY, UNAVAILABLE);
    };
    let mut response = returned(&state, &session, &parts, answer).await;
    let headers = response.headers_mut();
    // After a cookie of Codex: the browser keeps the last one of a name.
    if let Some(cookie) = set_cookie(&session.id) {
        headers.append(SET_COOKIE, cookie);
    }
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        headers.insert(CORRELATION, id);
    }
    response
}

/// Sends a request to Codex. `None` when there is no answer in time.
async fn forward(
    state: &State,
    session: &Session,
    parts: &Parts,
    target: Url,
    body: Bytes,
) -> Option<reqwest::Response> {
    let headers = sent_headers(&parts.headers, session);
    let mut request = state
        .http
        .request(parts.method.clone(), target)
        .headers(headers);
    if !body.is_empty() {
        request = request.body(body);
    }
    timeout(state.silence, request.send()).await.ok()?.ok()
}

/// Where a request goes: the prefix is taken off, the path decoded and encoded again, of repeated names in the query
/// the first is kept. `None` when it is not for Codex.
pub(super) fn target(codex: &str, uri: &Uri) -> Option<Url> {
    let rest = uri.path().strip_prefix(PREFIX)?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let mut target = Url::parse(codex).ok()?;
    let path = percent_decode_str(rest).decode_utf8_lossy();
    {
        let mut segments = target.path_segments_mut().ok()?;
        let words = path.split('/').filter(|word| !word.is_empty());
        segments.clear().extend(words);
        if path.ends_with('/') {
            segments.push("");
        }
    }
    if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
        let mut seen = BTreeSet::new();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let first = pairs.filter(|(name, _)| seen.insert(name.clone()));
        target.query_pairs_mut().extend_pairs(first);
    }
    Some(target)
}

fn sent_headers(given: &HeaderMap, session: &Session) -> HeaderMap {
    let mut headers = given.clone();
    for name in NOT_SENT {
        headers.remove(name);
    }
    let host = given.get(HOST).cloned();
    let bearer = HeaderValue::from_str(&format!("Bearer {}", session.token)).ok();
    let fixed = |text| Some(HeaderValue::from_static(text));
    let own = [
        ("authorization", bearer),
        // The gateway listens on loopback, so that everybody is there.
        ("x-forwarded-for", fixed("127.0.0.1")),
        ("x-forwarded-proto", fixed("http")),
        ("x-forwarded-host", host),
        ("x-forwarded-prefix", fixed(PREFIX)),
    ];
    for (name, value) in own {
        headers.remove(name);
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    headers
}

/// Event streams pass as they come. Everything else is read to its end; pages get their frame.
async fn returned(
    state: &State,
    session: &Session,
    parts: &Parts,
    answer: reqwest::Response,
) -> Response<Body> {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for name in NOT_RETURNED {
        headers.remove(name);
    }
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is = |wanted: &str| kind.is_some_and(|kind| kind.starts_with(wanted.as_bytes()));
    let (is_stream, is_html) = (is("text/event-stream"), is("text/html"));
    let chunks = chunks(answer, state.silence);
    let body = if parts.method == Method::HEAD {
        // What is not there cannot be decompressed either.
        Body::empty()
    } else if is_stream {
        Body::from_stream(chunks)
    } else {
        match whole(chunks).await {
            Ok(page) if is_html => framed(state, session, &parts.uri, &page).await.into(),
            Ok(whole) => whole.into(),
            Err(_) => return text(StatusCode::BAD_GATEWAY, UNAVAILABLE),
        }
    };
    if is_html {
        headers.append(VARY, HeaderValue::from_static("Cookie"));
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

async fn whole(chunks: impl Stream<Item = io::Result<Bytes>>) -> io::Result<Vec<u8>> {
    let add = |mut whole: Vec<u8>, chunk: Bytes| async move {
        whole.extend_from_slice(&chunk);
        Ok(whole)
    };
    chunks.try_fold(Vec::new(), add).await
}

async fn framed(state: &State, session: &Session, uri: &Uri, page: &[u8]) -> String {
    let theme = state.theme(session).await;
    let panel = panel::html(session.person, uri.path());
    frame::wrap(&String::from_utf8_lossy(page), theme, &panel)
}

/// The parts of a body as they come; an error when none comes in time.
fn chunks(
    answer: reqwest::Response,
    silence: Duration,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold(answer, move |mut answer| async move {
        let next = timeout(silence, answer.chunk()).await;
        let next = next.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        let next = next.map_err(io::Error::other)?;
        Ok(next.map(|chunk| (chunk, answer)))
    })
}

/// Nexus answers these itself.
fn options() -> Response<Body> {
    let mut response = text(StatusCode::OK, "");
    let allowed = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

fn text(status: StatusCode, words: &str) -> Response<Body> {
    raw(status, "text/plain; charset=utf-8", words.to_owned())
}
