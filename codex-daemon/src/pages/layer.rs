//! Errors that people can read, and the headers of HTML.

use std::time::Instant;

use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method,
        header::{
            ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
            REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::Next,
    response::Response,
};

use super::{error, is_page, repeated::take_mark, wants_html};
use crate::http::{
    forwarded::{Forwarded, is_forwarded},
    problem::{Problem, UnknownRoute},
};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// For browsers that are served directly: pages have two scripts, which call Codex alone, and no styles of their own.
const STRICT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
/// Behind Nexus, which adds scripts of its own inside the page and fonts of another host (consumers 3). It leaves
/// out scripts, styles and fonts, because a second policy could only restrict them.
const PROXIED_POLICY: HeaderValue = HeaderValue::from_static(
    "object-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
);

/// Gives browsers a page in place of a problem, and HTML its headers. A path that no route has is a page to browsers.
pub(crate) async fn layer(mut request: Request, next: Next) -> Response {
    let is_page = is_page(request.uri().path());
    let browser = wants_html(request.headers()).then(|| Forwarded::of(request.headers()));
    if !is_page && browser.is_none() {
        return next.run(request).await;
    }
    if is_page {
        take_mark(&mut request);
    }
    let start = Instant::now();
    let policy = if is_forwarded(request.headers()) {
        PROXIED_POLICY
    } else {
        STRICT_POLICY
    };
    let method = request.method().clone();
    let address = match request.uri().path_and_query() {
        // A form is not sent again by a link: its page is opened.
        Some(address) if method.is_safe() => address.to_string(),
        _ => request.uri().path().to_owned(),
    };
    let mut response = next.run(request).await;
    if !is_page && response.extensions().get::<UnknownRoute>().is_none() {
        return response;
    }
    if let Some(at) = &browser {
        let problem = response.extensions().get::<Problem>().cloned();
        let status = response.status();
        let problem = problem.filter(|_| status.is_client_error() || status.is_server_error());
        let page = problem.and_then(|problem| error::page(at, &address, &problem));
        if let Some(page) = page {
            let is_head = method == Method::HEAD;
            *response.body_mut() = if is_head { Body::empty() } else { page.into() };
            let headers = response.headers_mut();
            headers.remove(CONTENT_LENGTH);
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            );
        }
    }
    let headers = response.headers_mut();
    // Errors, and the answer at `/`, are of the type that was asked for.
    headers.append(VARY, HeaderValue::from(ACCEPT));
    if is_html(headers) {
        finish(headers, policy, start);
    }
    response
}

fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

fn finish(headers: &mut HeaderMap, policy: HeaderValue, start: Instant) {
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // Not cached: the page is made for one person, and Nexus writes the theme into it.
    // A page with a secret says more.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    let milliseconds = start.elapsed().as_secs_f64() * 1_000.0;
    let timing = HeaderValue::from_str(&format!("app;dur={milliseconds:.1}"));
    if let Ok(timing) = timing {
        headers.insert(SERVER_TIMING, timing);
    }
}
