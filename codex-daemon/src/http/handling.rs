//! How a call wants its parameters read: `Prefer: handling=strict` (RFC 7240, section 4.4).
//!
//! Strict is how every route of ours is, whatever is sent. The preference matters at the addresses of
//! [`crate::legacy`], which ignore what they do not know, and name it in `X-Ignored-Parameters`.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{app::App, http::problem::Problem};

/// What a caller prefers.
pub const PREFER: HeaderName = HeaderName::from_static("prefer");
/// What of it was done.
pub const APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The parameters that were ignored.
pub const IGNORED: HeaderName = HeaderName::from_static("x-ignored-parameters");
const STRICT: HeaderValue = HeaderValue::from_static("handling=strict");
/// The most parameters that are named, and the longest part of a name.
const MOST_NAMES: usize = 20;
const LONGEST_NAME: usize = 100;

/// How the parameters of a call are read, and what was ignored of them. A clone is of the same call.
#[derive(Debug, Clone, Default)]
pub struct Handling {
    strict: bool,
    ignored: Arc<Mutex<Vec<String>>>,
}

impl Handling {
    /// As the headers of a call say.
    pub fn of(headers: &HeaderMap) -> Self {
        Self {
            strict: is_strict(headers),
            ..Self::default()
        }
    }

    /// Of a call that came through [`layer`].
    pub fn of_request(parts: &Parts) -> Self {
        let known = parts.extensions.get::<Self>().cloned();
        known.unwrap_or_else(|| Self::of(&parts.headers))
    }

    /// Whether what is unknown or cannot be read is refused everywhere.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Notes a parameter that had no effect.
    pub fn ignore(&self, name: &str) {
        let mut ignored = self.ignored.lock().unwrap_or_else(PoisonError::into_inner);
        let name: String = name.chars().take(LONGEST_NAME).collect();
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        if ignored.len() < MOST_NAMES && !ignored.contains(&name) {
            ignored.push(name);
        }
    }

    fn ignored(&self) -> Option<HeaderValue> {
        let ignored = self.ignored.lock().unwrap_or_else(PoisonError::into_inner);
        let names = Some(ignored.join(", ")).filter(|names| !names.is_empty());
        HeaderValue::from_str(&names?).ok()
    }
}

/// Whether strict handling is preferred: of several statements the first counts.
pub fn is_strict(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(PREFER).iter();
    let all = lines.filter_map(|line| line.to_str().ok());
    let mut wanted = all.flat_map(|line| line.split(',')).filter_map(|one| {
        // What stands behind a semicolon is about the preference.
        let one = one.split(';').next().unwrap_or_default();
        let (name, value) = one.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let is_handling = name.trim().eq_ignore_ascii_case("handling");
        is_handling.then(|| value.eq_ignore_ascii_case("strict"))
    });
    wanted.next().unwrap_or_default()
}

/// Reads the preference, and says on the answer what was done with it. Stands around each route, where the template
/// of its path is known.
pub async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let handling = Handling::of(request.headers());
    let refused = check_open(&app, &request, &handling);
    request.extensions_mut().insert(handling.clone());
    let mut response = match refused {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    if handling.strict {
        response.headers_mut().insert(APPLIED, STRICT);
    } else if let Some(ignored) = handling.ignored() {
        response.headers_mut().insert(IGNORED, ignored);
    }
    response
}

/// Routes without a token have nobody else to check their parameters.
fn check_open(app: &App, request: &Request, handling: &Handling) -> Option<Problem> {
    let path = request.extensions().get::<MatchedPath>()?.as_str();
    let (method, query) = (request.method(), request.uri().query()?);
    if !app.parameters().is_open(method, path) {
        return None;
    }
    let checked = app.parameters().check(method, path, query, handling);
    checked.err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_handling_preference_wins() {
        for (lines, strict) in [
            (&["handling=strict"][..], true),
            (&["respond-async, Handling=\"STRICT\"; foo=bar"], true),
            (&["wait=10", "handling = strict"], true),
            (&["handling=lenient"], false),
            (&["handling=lenient, handling=strict"], false),
            (&["handling"], false),
            (&["strict"], false),
            (&[], false),
        ] {
            let lines = lines
                .iter()
                .map(|line| (PREFER, HeaderValue::from_static(line)));
            assert_eq!(is_strict(&lines.collect()), strict);
        }
    }

    #[test]
    fn ignored_names_are_listed_once_and_fit_a_header() {
        let handling = Handling::default();
        assert_eq!(handling.ignored(), None);
        for name in ["limit", "a\nb", "limit", "\u{e4}"] {
            handling.ignore(name);
        }
        assert_eq!(handling.ignored().unwrap(), "limit, a%0Ab, %C3%A4");
        (0..1_000).for_each(|n| handling.ignore(&format!("{n}{}", "x".repeat(1_000))));
        assert!(handling.ignored().unwrap().len() < 4_096);
    }
}
