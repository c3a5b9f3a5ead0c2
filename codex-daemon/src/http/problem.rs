//! Error answers: RFC 9457 problems, and the flat shapes that today's modules read (contract 1.0).

use std::borrow::Cow;

use axum::{
    Extension, Json,
    body::{Body, to_bytes},
    extract::Request,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use codex_core::{Fault, panics, store::WriteFailure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::http::request_id::CorrelationId;

/// The longest text of a framework's error that becomes a problem's detail.
const LONGEST_DETAIL: usize = 1024;

/// An error answer. Handlers return it; [`layer`] completes it with the path.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    shape: Shape,
    retry_after: Option<u64>,
    faults: Vec<Fault>,
}

/// The body of an error answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// RFC 9457.
    Problem,
    /// `{"error": ...}`: the routes' own errors (E1).
    Flat,
    /// `{"success": false, "error": ...}`: sync and update routes (E2).
    Job,
    /// `{"status": "error", "message": ...}`: the routes of one plan, in place of the status as a number.
    StatusWord,
}

/// An error answer (RFC 9457).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemOut {
    /// Stable code, such as `about:blank#not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// Path of the call.
    pub instance: String,
    /// The code alone, such as `not-found`.
    #[serde(default)]
    #[schema(example = "not-found")]
    pub code: String,
    /// The request in the log of Codex; the same as the header `X-Correlation-ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// With 422: every fault of the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

/// A route's own error, in the shape that today's modules read, with the members of a problem beside it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorOut {
    /// What went wrong: the same as `detail`.
    pub error: String,
    /// `false` from syncs and updates, whose callers look for it; absent elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// What a problem says.
    #[serde(flatten)]
    pub problem: ProblemOut,
}

impl Problem {
    /// A problem of any status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            shape: Shape::Problem,
            retry_after: None,
            faults: Vec::new(),
        }
    }

    /// 400: the caller must send something else.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: the caller must send a valid token.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403: the caller may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: there is no such record, or none that the caller may see.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 500, without the cause: that belongs in the log.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Codex failed to answer. The log has the cause under this correlation id.",
        )
    }

    /// 503: the caller may try again later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// 507 or 503: nothing can be written for now.
    fn unwritable(failure: WriteFailure) -> Self {
        let status = match failure {
            WriteFailure::Full => StatusCode::INSUFFICIENT_STORAGE,
            WriteFailure::Disk | WriteFailure::ReadOnly => StatusCode::SERVICE_UNAVAILABLE,
        };
        let detail = format!("Nothing was changed: {failure}. Reading still works.");
        Self::new(status, detail).retry_after(30)
    }

    /// Answers `{"error": ...}`, for routes whose callers read that (contract 1.0, E1).
    pub fn flat(self) -> Self {
        self.shaped(Shape::Flat)
    }

    /// Answers `{"success": false, "error": ...}` (contract 1.0, E2).
    pub fn job(self) -> Self {
        self.shaped(Shape::Job)
    }

    /// Answers `{"status": "error", "message": ...}`, which Ledger reads of one plan.
    pub fn status_word(self) -> Self {
        self.shaped(Shape::StatusWord)
    }

    fn shaped(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// Tells the caller when to try again.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What went wrong, in words for the caller.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Every fault of the body, where it was refused for its content.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn body(&self, instance: &str) -> serde_json::Value {
        let mut body = json!(ProblemOut {
            kind: format!("about:blank#{}", code(self.status)),
            title: title(self.status).to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            instance: instance.to_owned(),
            code: code(self.status).into_owned(),
            correlation_id: CorrelationId::current().map(|id| id.as_str().to_owned()),
            errors: self.faults.clone(),
        });
        match self.shape {
            Shape::Flat => body["error"] = json!(self.detail),
            Shape::Job => {
                body["error"] = json!(self.detail);
                body["success"] = json!(false);
            }
            Shape::StatusWord => {
                body["status"] = json!("error");
                body["message"] = json!(self.detail);
            }
            Shape::Problem => {}
        }
        body
    }

    fn response(self, instance: &str) -> Response {
        let mut response = (self.status, Json(self.body(instance))).into_response();
        let headers = response.headers_mut();
        if self.shape == Shape::Problem {
            let kind = HeaderValue::from_static("application/problem+json");
            headers.insert(CONTENT_TYPE, kind);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 11.6.1 asks for it with every 401; browsers show no dialogue for this scheme.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.response("")
    }
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

/// The stable code of a status: that of the Flask service where it has one (contract 1.0).
fn code(status: StatusCode) -> Cow<'static, str> {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => "unprocessable-entity".into(),
        StatusCode::TOO_MANY_REQUESTS => "rate-limit-exceeded".into(),
        _ => title(status).to_lowercase().replace(' ', "-").into(),
    }
}

/// An error and its causes in one line, for the log. Some libraries repeat a cause in their own words;
/// it is said once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

/// What goes wrong in routes whose own errors are flat.
pub fn flat(error: codex_core::Error) -> Problem {
    Problem::from(error).flat()
}

/// By who must act. Causes of failures that are not the caller's go to the log and nowhere else.
impl From<codex_core::Error> for Problem {
    fn from(error: codex_core::Error) -> Self {
        use codex_core::Error;
        if let Some(failure) = error.write_failure() {
            tracing::error!(
                error = error.chain(),
                "The database cannot be written: {failure}"
            );
            return Self::unwritable(failure);
        }
        match &error {
            Error::Invalid { .. } => Self::bad_request(error.to_string()),
            Error::Unprocessable(faults) => Self {
                faults: faults.clone(),
                ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
            },
            Error::Changed => Self::new(StatusCode::PRECONDITION_FAILED, error.to_string()),
            Error::Conflict { .. } => Self::new(StatusCode::CONFLICT, error.to_string()),
            Error::NotFound(_) => Self::not_found(error.to_string()),
            Error::Busy(_) => Self::unavailable(error.to_string()).retry_after(5),
            Error::Forbidden(_) => Self::forbidden(error.to_string()),
            Error::Unsupported(_) => Self::unavailable(error.to_string()),
            Error::Upstream(_) => {
                tracing::warn!(error = error.chain(), "An upstream system failed");
                Self::new(StatusCode::BAD_GATEWAY, error.to_string())
            }
            _ if error.is_taken() => Self::new(
                StatusCode::CONFLICT,
                "Another record has the same key already",
            ),
            _ if error.is_in_the_way() => {
                tracing::warn!(error = error.chain(), "Two changes conflicted");
                Self::unavailable("Another change came first. Send the call again.").retry_after(1)
            }
            _ if error.is_out_of_reach() => {
                tracing::error!(error = error.chain(), "The database is out of reach");
                Self::unavailable("The database is out of reach.").retry_after(5)
            }
            _ => {
                tracing::error!(error = error.chain(), "A request failed");
                Self::internal()
            }
        }
    }
}

/// Marks the answer to a path that no route has.
#[derive(Debug, Clone, Copy)]
pub struct UnknownRoute;

/// The answer to a path that no route has.
pub async fn unknown_route() -> (Extension<UnknownRoute>, Problem) {
    let problem = Problem::not_found("There is nothing at this address.");
    (Extension(UnknownRoute), problem)
}

/// The answer to a handler's panic.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands its payload over"
)]
pub fn panicked(payload: Box<dyn std::any::Any + Send>) -> Response {
    panics::caught("request", &*payload);
    Problem::internal().into_response()
}

/// Completes problems with the path, and turns the framework's own errors (plain text or empty: 405,
/// 413, 415, malformed bodies) into problems. Status and headers such as `Allow` stay.
pub async fn layer(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let status = response.status();
    if let Some(problem) = response.extensions().get::<Problem>().cloned() {
        return rebuilt(response, problem, &path).await;
    }
    if (status.is_client_error() || status.is_server_error()) && is_bare(&response) {
        let problem = Problem::new(status, "");
        return rebuilt(response, problem, &path).await;
    }
    response
}

/// Answers OPTIONS on every path with the methods it has, as the Flask service does (contract 1.0).
///
/// Stands outside the router, which adds `Allow` after its own layers.
pub async fn options(request: Request, next: Next) -> Response {
    let asked = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if !asked || response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = Body::empty();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    headers.remove(CONTENT_LENGTH);
    let allowed = headers.get(ALLOW).and_then(|value| value.to_str().ok());
    let allowed = allowed.map_or_else(
        || "OPTIONS".to_owned(),
        |methods| format!("{methods},OPTIONS"),
    );
    if let Ok(value) = HeaderValue::from_str(&allowed) {
        headers.insert(ALLOW, value);
    }
    response
}

fn is_bare(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// A response with the problem's body and its own other headers.
async fn rebuilt(response: Response, mut problem: Problem, path: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    if problem.detail.is_empty() {
        let said = to_bytes(body, LONGEST_DETAIL).await.unwrap_or_default();
        problem.detail = match String::from_utf8(said.to_vec()) {
            Ok(text) if !text.is_empty() => text,
            _ => title(problem.status).to_owned(),
        };
    }
    let (new, body) = problem.response(path).into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.extend(new.headers);
    // Browsers get a page in its place, made of the problem (`crate::pages::layer`).
    parts.extensions.extend(new.extensions);
    Response::from_parts(parts, body)
}

#[cfg(test)]
mod tests {
    use codex_core::Error;

    use super::*;

    async fn text(problem: Problem) -> String {
        let body = problem.into_response().into_body();
        String::from_utf8(to_bytes(body, 4096).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn flat_errors_have_legacy_members_and_the_problem() {
        let body = async |problem: Problem| -> serde_json::Value {
            serde_json::from_str(&text(problem).await).unwrap()
        };
        let problem = || Problem::not_found("Company not found");
        let bare = body(problem()).await;
        assert_eq!(
            bare,
            json!({"type": "about:blank#not-found", "title": "Not Found", "status": 404, "code": "not-found",
                "detail": "Company not found", "instance": ""})
        );
        let with = |more: serde_json::Value| {
            let mut body = bare.clone();
            for (name, value) in more.as_object().unwrap() {
                body[name] = value.clone();
            }
            body
        };
        let error = json!({"error": "Company not found"});
        assert_eq!(body(problem().flat()).await, with(error));
        let error = json!({"error": "Company not found", "success": false});
        assert_eq!(body(problem().job()).await, with(error));
        let error = json!({"message": "Company not found", "status": "error"});
        assert_eq!(body(problem().status_word()).await, with(error));
    }

    #[test]
    fn error_chain_names_every_cause_once() {
        let refused = || std::io::Error::other("refused");
        let outer = anyhow::Error::new(refused())
            .context("talking: refused")
            .context("opening");
        assert_eq!(chain(&*outer), "opening: talking: refused");
        let outer = anyhow::Error::new(refused()).context("opening");
        assert_eq!(chain(&*outer), "opening: refused");
    }

    #[test]
    fn codes_are_stable_words() {
        assert_eq!(code(StatusCode::NOT_FOUND), "not-found");
        assert_eq!(code(StatusCode::TOO_MANY_REQUESTS), "rate-limit-exceeded");
        assert_eq!(
            code(StatusCode::INTERNAL_SERVER_ERROR),
            "internal-server-error"
        );
        assert_eq!(
            code(StatusCode::UNPROCESSABLE_ENTITY),
            "unprocessable-entity"
        );
    }

    #[tokio::test]
    async fn core_errors_map_to_statuses() {
        let status = |error: Error| Problem::from(error).status().as_u16();
        assert_eq!(status(Error::invalid("name", "is empty")), 400);
        assert_eq!(status(Error::conflict("taken")), 409);
        assert_eq!(status(Error::Forbidden("editing")), 403);
        assert_eq!(status(Error::Unsupported("no such provider".into())), 503);
        let corrupt = Error::Corrupt {
            what: "secret table".into(),
            source: None,
        };
        assert_eq!(status(corrupt), 500);
        let sync = Error::Sync {
            message: "hunter2".into(),
        };
        assert!(!text(sync.into()).await.contains("hunter2"));
    }
}
