//! The correlation id: taken from `X-Correlation-ID` or made, echoed, logged, forwarded (contract 1.0).

use std::{borrow::Cow, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use reqwest::RequestBuilder;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::http::headers::single;

/// The header.
pub const HEADER: HeaderName = HeaderName::from_static("x-correlation-id");
/// Longer ids are not believed: they would fill the log.
const LONGEST: usize = 128;

tokio::task_local! {
    static CURRENT: CorrelationId;
}

/// The id of a request, also in its extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelationId(String);

impl CorrelationId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the request that the current task answers.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    fn of(headers: &HeaderMap) -> Self {
        let usable = single(headers, HEADER).filter(|id| {
            (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        });
        Self(usable.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned))
    }
}

/// Passes the id of the current request on to another service.
pub fn forward(request: RequestBuilder) -> RequestBuilder {
    match CorrelationId::current() {
        Some(id) => request.header(HEADER, id.0),
        None => request,
    }
}

/// Work that goes on under the id of the current request, in a task of its own too.
pub fn keep<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let id = CorrelationId::current();
    let work = work.in_current_span();
    async move {
        match id {
            Some(id) => CURRENT.scope(id, work).await,
            None => work.await,
        }
    }
}

/// The template of the route that answered.
#[derive(Debug, Clone)]
pub struct Route(Cow<'static, str>);

impl Route {
    /// Answers that were given before.
    pub const REPLAYED: Self = Self(Cow::Borrowed("(replayed)"));
}

/// Says on the answer which route it is of: what stands before the router cannot know.
pub async fn name_route(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map(|path| Route(path.as_str().to_owned().into()));
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

/// Gives the request its id and writes one access line when it is answered.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = CorrelationId::of(request.headers());
    let method = request.method().clone();
    request.extensions_mut().insert(id.clone());

    let span = tracing::info_span!("request", correlation_id = id.as_str());
    let answer = async {
        let response = next.run(request).await;
        // The template, not the path: a path may hold names, and templates can be counted.
        let route = response.extensions().get::<Route>();
        let route = route.map_or("(none)", |route| &*route.0);
        let status = response.status().as_u16();
        crate::metrics::answered(
            method.as_str(),
            route,
            status,
            start.elapsed().as_secs_f64(),
        );
        crate::telemetry::answered(method.as_str(), route, status);
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "codex_daemon::access",
            %method, route, status, duration_ms,
            "{method} {route} {status} in {duration_ms} ms"
        );
        response
    };
    let mut response = CURRENT.scope(id.clone(), answer.instrument(span)).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(id: &'static str) -> String {
        let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_static(id))]);
        CorrelationId::of(&headers).0
    }

    #[test]
    fn usable_id_is_kept_and_any_other_replaced() {
        assert_eq!(given("abc-123"), "abc-123");
        assert_ne!(given("with blank"), "with blank");
        assert_ne!(given(""), "");
        let made = CorrelationId::of(&HeaderMap::new()).0;
        assert!(Uuid::parse_str(&made).is_ok());
        assert_ne!(made, CorrelationId::of(&HeaderMap::new()).0);
    }

    #[test]
    fn overlong_id_is_replaced() {
        let long = "x".repeat(LONGEST + 1);
        let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_str(&long).unwrap())]);
        assert!(CorrelationId::of(&headers).0.len() <= LONGEST);
    }

    #[tokio::test]
    async fn id_is_forwarded_inside_a_request_only() {
        let client = reqwest::Client::builder().build().unwrap();
        let header = |request: RequestBuilder| {
            let request = forward(request).build().unwrap();
            request.headers().get(HEADER).cloned()
        };
        assert_eq!(header(client.get("http://x")), None);
        let inside = async { header(client.get("http://x")) };
        let id = CorrelationId("abc".into());
        assert_eq!(CURRENT.scope(id, inside).await.unwrap(), "abc");
    }
}
