//! Errors that people can read.

use askama::Template;
use axum::http::StatusCode;

use super::shell::Shell;
use crate::http::{forwarded::Forwarded, problem::Problem, request_id::CorrelationId};

/// An error as a page.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(super) struct ErrorView {
    shell: Shell,
    status: u16,
    heading: &'static str,
    detail: String,
    faults: Vec<String>,
    /// What to do next, and where.
    action: &'static str,
    href: String,
    /// The request in the log.
    reference: Option<String>,
}

impl ErrorView {
    /// Of a problem at an address: a path, with its query if it has one.
    pub(super) fn new(at: &Forwarded, address: &str, problem: &Problem) -> Self {
        let status = problem.status();
        let heading = heading(status);
        let (action, href) = action(status, address);
        let faults = problem.faults().iter().map(|fault| {
            let field = fault.pointer.trim_start_matches('/');
            format!("{field}: {}", fault.detail)
        });
        Self {
            shell: Shell::new(at, heading),
            status: status.as_u16(),
            heading,
            detail: problem.detail().to_owned(),
            faults: faults.collect(),
            action,
            href: at.link(&href),
            reference: CorrelationId::current().map(|id| id.as_str().to_owned()),
        }
    }
}

/// The page of a problem at an address; `None` when it cannot be rendered, and then the problem itself is sent.
pub(super) fn page(at: &Forwarded, address: &str, problem: &Problem) -> Option<String> {
    let rendered = ErrorView::new(at, address, problem).render();
    rendered
        .inspect_err(|error| tracing::error!(%error, "An error page could not be rendered"))
        .ok()
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Your session has ended",
        StatusCode::FORBIDDEN => "You may not do this",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::METHOD_NOT_ALLOWED => "This address cannot be used so",
        StatusCode::PRECONDITION_FAILED => "Somebody else was faster",
        StatusCode::CONFLICT => "This collides with another record",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "Codex cannot answer now",
        status if status.is_client_error() => "This request was not understood",
        _ => "Codex failed",
    }
}

/// What a person can do about an error. A form cannot be sent again; the start page is offered instead.
fn action(status: StatusCode, address: &str) -> (&'static str, String) {
    let path = address.split('?').next().unwrap_or_default();
    match status {
        // Nexus asks users without a session to sign in.
        StatusCode::UNAUTHORIZED => ("Sign in again", "/".to_owned()),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            ("Try again", address.to_owned())
        }
        StatusCode::BAD_REQUEST if path.ends_with('/') => {
            ("Show the list without filters", path.to_owned())
        }
        _ => ("Go to the start page", "/".to_owned()),
    }
}

#[cfg(test)]
impl ErrorView {
    /// What templates are tested with.
    pub(super) fn samples() -> Vec<(&'static str, Self)> {
        use codex_core::{Error, Fault};

        let at = Forwarded::of(&axum::http::HeaderMap::new());
        let hostile = super::tests::HOSTILE;
        let faults = Error::Unprocessable(vec![Fault::at("name", hostile)]);
        vec![
            (
                "error/empty",
                Self::new(&at, "/", &Problem::unauthorized("")),
            ),
            (
                "error/usual",
                Self::new(
                    &at,
                    "/companies/1",
                    &Problem::not_found("Company not found"),
                ),
            ),
            ("error/hostile", Self::new(&at, hostile, &faults.into())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trying_again_keeps_the_query() {
        let list = "/companies/?sort=-name";
        let href = |status| action(status, list).1;
        assert_eq!(href(StatusCode::SERVICE_UNAVAILABLE), list);
        assert_eq!(href(StatusCode::BAD_REQUEST), "/companies/");
        assert_eq!(href(StatusCode::NOT_FOUND), "/");
    }
}
