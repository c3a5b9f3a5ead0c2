//! Headers of requests. Everything in the daemon reads them here, so that no two parts can read different values.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Version, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::http::problem::Problem;

/// Headers that have one value. Sent twice, one part of the program or a proxy before it could heed the first
/// and another the second.
static SINGLE: [HeaderName; 19] = [
    header::AUTHORIZATION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::IF_MODIFIED_SINCE,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::ORIGIN,
    header::RANGE,
    header::REFERER,
    header::USER_AGENT,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-correlation-id"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-webhook-secret"),
    HeaderName::from_static("x-webhook-signature"),
    HeaderName::from_static("x-webhook-timestamp"),
];

/// Whether a request comes from a page of ours, as far as the browser says: `false` only for one of another site
/// (<https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>).
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    single(headers, "sec-fetch-site").is_none_or(|site| site == "same-origin")
}

/// The text of a header that has one value; `None` when it is absent or not plain text.
pub fn single(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    value(headers, name)?.to_str().ok()
}

/// The value of a header that has one, which may hold more than plain text.
pub fn value(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&HeaderValue> {
    headers.get(name)
}

/// The text of a header that may be sent more than once: several lines are one list (RFC 9110, section 5.3).
pub fn list(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?;
    let rest: Vec<&HeaderValue> = lines.collect();
    if rest.is_empty() {
        return Some(first.clone());
    }
    let lines = std::iter::once(first).chain(rest);
    let lines: Vec<&[u8]> = lines.map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&lines.join(&b", "[..])).ok()
}

/// Refuses requests with two values of a header that has one, and requests that name no host.
pub async fn layer(request: Request, next: Next) -> Response {
    match check(request.version(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    // Most requests name every header once.
    if headers.len() != headers.keys_len() {
        let twice = |name: &&HeaderName| headers.get_all(*name).iter().nth(1).is_some();
        if let Some(name) = SINGLE.iter().find(twice) {
            let detail = format!("{name}: was sent more than once; send one value");
            return Err(Problem::bad_request(detail));
        }
    }
    // RFC 9112, section 3.2. HTTP/1.0 has no such header.
    if version == Version::HTTP_11 && !headers.contains_key(header::HOST) {
        let detail = "Host: is missing; every HTTP/1.1 request names the host";
        return Err(Problem::bad_request(detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn repeated_single_value_headers_are_refused() {
        for name in &SINGLE {
            let mut twice = headers(&[("host", "x")]);
            twice.append(name, HeaderValue::from_static("a"));
            twice.append(name, HeaderValue::from_static("a"));
            assert!(check(Version::HTTP_11, &twice).is_err(), "{name}");
        }
        let lists = [
            ("host", "x"),
            ("accept", "a/b"),
            ("accept", "c/d"),
            ("if-match", "\"1\""),
            ("if-match", "\"2\""),
        ];
        assert!(check(Version::HTTP_11, &headers(&lists)).is_ok());
    }

    #[test]
    fn host_is_required_from_http_1_1_on() {
        assert!(check(Version::HTTP_11, &headers(&[("accept", "a/b")])).is_err());
        assert!(check(Version::HTTP_10, &headers(&[("accept", "a/b")])).is_ok());
        assert!(check(Version::HTTP_11, &headers(&[("host", "")])).is_ok());
    }

    #[test]
    fn repeated_list_headers_are_joined() {
        let two = headers(&[("if-match", "\"1\""), ("if-match", "\"2\", \"3\"")]);
        assert_eq!(
            list(&two, &header::IF_MATCH).unwrap(),
            "\"1\", \"2\", \"3\""
        );
        assert_eq!(list(&two, &header::IF_NONE_MATCH), None);
    }
}
