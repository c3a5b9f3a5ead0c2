//! What all pages have around their content.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse as _, Response},
};

use super::{
    nav::{self, SectionLink},
    repeated::Repeated,
    scripts,
};
use crate::http::{forwarded::Forwarded, problem::Problem};

/// Nothing is evaluated, no style is added, only Codex is called, and no page is kept in the browser's storage. Answers
/// with an error are pages too, and are shown.
const HTMX_CONFIG: &str = r#"{"allowEval":false,"allowScriptTags":false,"includeIndicatorStyles":false,"selfRequestsOnly":true,"historyCacheSize":0,"refreshOnHistoryMiss":true,"timeout":30000,"responseHandling":[{"code":"204","swap":false},{"code":"...","swap":true}]}"#;

/// A step on the way to a page.
#[derive(Debug)]
pub(crate) struct Crumb {
    pub name: String,
    pub href: String,
}

/// A form of a single button.
#[derive(Debug)]
pub(crate) struct ActionView {
    pub label: String,
    pub action: String,
    pub csrf_field: &'static str,
    pub csrf: String,
}

/// The frame of a page: `templates/base.html` reads it.
#[derive(Debug)]
pub(crate) struct Shell {
    /// The title of the document.
    pub title: String,
    /// The way here, without the page itself.
    pub crumbs: Vec<Crumb>,
    /// The sections that the reader may open.
    pub sections: Vec<SectionLink>,
    /// What was just done.
    pub notice: Option<String>,
    /// That this was done earlier, and the form was sent once more.
    pub repeated: Option<Repeated>,
    /// How it is taken back.
    pub undo: Option<ActionView>,
    /// The start page.
    pub home: String,
    /// Where everything is searched.
    pub search: String,
    /// Where the scripts are, in their order.
    pub scripts: Vec<String>,
    /// How htmx behaves.
    pub htmx_config: &'static str,
    /// Of the program.
    pub version: &'static str,
}

impl Shell {
    /// The frame of a page with a name.
    pub fn new(at: &Forwarded, title: impl Into<String>) -> Self {
        let title = title.into();
        Self {
            sections: nav::sections(at, &title),
            title,
            crumbs: Vec::new(),
            notice: None,
            repeated: at.repeated().cloned(),
            undo: None,
            home: at.link("/"),
            search: at.link("/search"),
            scripts: scripts::links(at),
            htmx_config: HTMX_CONFIG,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// The same with a further step on the way.
    pub fn under(mut self, name: impl Into<String>, href: String) -> Self {
        let name = name.into();
        let sections = self.sections.iter_mut();
        let pages = sections.flat_map(|section| &mut section.pages);
        let own = pages.filter(|page| page.href == href);
        own.for_each(|page| page.is_current = true);
        self.crumbs.push(Crumb { name, href });
        self
    }

    /// The same with what was just done.
    pub fn saying<T: Into<String>>(mut self, notice: Option<T>) -> Self {
        self.notice = notice.map(Into::into);
        self
    }

    /// The same with a form that takes back what was just done.
    pub fn undone_by(mut self, undo: Option<ActionView>) -> Self {
        self.undo = undo;
        self
    }
}

/// A page.
///
/// # Errors
/// 500 when the template fails.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    Ok((status, Html(rendered(template)?)).into_response())
}

/// A page or a part of one as text.
///
/// # Errors
/// 500 when the template fails.
pub(crate) fn rendered(template: &impl Template) -> Result<String, Problem> {
    template.render().map_err(|error| {
        tracing::error!(%error, "A page could not be rendered: {error}");
        Problem::internal()
    })
}
