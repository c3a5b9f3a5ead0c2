//! What all pages have around their content.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse as _, Response},
};

use crate::http::{forwarded::Forwarded, problem::Problem};

/// A step on the way to a page.
#[derive(Debug)]
pub(crate) struct Crumb {
    pub name: String,
    pub href: String,
}

/// The frame of a page: `templates/base.html` reads it.
#[derive(Debug)]
pub(crate) struct Shell {
    /// The title of the document.
    pub title: String,
    /// The way here, without the page itself.
    pub crumbs: Vec<Crumb>,
    /// What was just done.
    pub notice: Option<&'static str>,
    /// The start page.
    pub home: String,
    /// Of the program.
    pub version: &'static str,
}

impl Shell {
    /// The frame of a page with a name.
    pub fn new(at: &Forwarded, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            crumbs: Vec::new(),
            notice: None,
            home: at.link("/"),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// The same with a further step on the way.
    pub fn under(mut self, name: impl Into<String>, href: String) -> Self {
        let name = name.into();
        self.crumbs.push(Crumb { name, href });
        self
    }

    /// The same with what was just done.
    pub fn saying(mut self, notice: Option<&'static str>) -> Self {
        self.notice = notice;
        self
    }
}

/// A page.
///
/// # Errors
/// 500 when the template fails.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    match template.render() {
        Ok(text) => Ok((status, Html(text)).into_response()),
        Err(error) => {
            tracing::error!(%error, "A page could not be rendered: {error}");
            Err(Problem::internal())
        }
    }
}
