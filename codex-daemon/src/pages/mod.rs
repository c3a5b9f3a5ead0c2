//! The web interface: pages that the server renders, and the JSON that they fetch and send.
//!
//! One file per resource, on the machinery of `record` or with templates of its own in `templates/<resource>`. A
//! template gets a view, which is built for a [`Scope`](codex_core::Scope) from the fields of the registry and holds
//! nothing that the caller may not see. Pages are documents whose body is one `<main>`: Nexus draws the rest, and
//! brings the stylesheet.
//!
//! Pages are no part of the API description: they change with their templates.

mod address;
mod admin;
mod agents;
mod asset_secrets;
mod assets;
mod billing_plans;
mod bulk_edit;
mod chart;
mod companies;
mod contacts;
mod csrf;
pub(crate) mod dashboard;
mod deleted;
mod done;
mod duplicates;
mod error;
mod facets;
mod fields;
mod files;
mod form;
mod holds;
pub(crate) mod layer;
mod locations;
mod markup;
mod nav;
mod outbox;
mod parts;
mod plain_list;
mod record;
mod record_issues;
mod repeated;
mod scripts;
mod search;
mod settings;
mod shell;
mod sync;
mod table;
pub(crate) mod tables;
mod tags;
#[cfg(test)]
mod tests;
mod tickets;
mod views;
mod visit;

use axum::http::{HeaderMap, header::ACCEPT};
use codex_core::{Access, records::Resource};
use utoipa_axum::router::OpenApiRouter;

pub(crate) use csrf::FIELD as TOKEN;
pub(crate) use repeated::{Repeated, marked};
pub(crate) use scripts::FOLDER as SCRIPTS;

use self::record::RecordPages;
use crate::{app::App, http::headers::list};

/// What a file of pages registers.
struct PageSet {
    /// The first segment of its paths; `None` where another file has it, or where routes of the API share it.
    segment: Option<&'static str>,
    routes: fn() -> OpenApiRouter<App>,
    /// The page that all pages link.
    nav: Option<NavEntry>,
}

/// A page that all pages link.
struct NavEntry {
    /// The section that it belongs to.
    section: &'static str,
    /// The title of its document.
    title: &'static str,
    path: &'static str,
    /// Who may open it.
    access: Access,
}

impl PageSet {
    const fn of(segment: Option<&'static str>, routes: fn() -> OpenApiRouter<App>) -> Self {
        Self {
            segment,
            routes,
            nav: None,
        }
    }

    /// The list of a kind of record is a section of its own.
    const fn records<R: RecordPages>(routes: fn() -> OpenApiRouter<App>) -> Self {
        let (title, path) = (R::DEF.title, R::DEF.path);
        let segment = Some(R::DEF.segment());
        Self::of(segment, routes).linked(title, title, path, <R::Record as Resource>::READ_BY)
    }

    const fn linked(
        self,
        section: &'static str,
        title: &'static str,
        path: &'static str,
        access: Access,
    ) -> Self {
        Self {
            nav: Some(NavEntry {
                section,
                title,
                path,
                access,
            }),
            ..self
        }
    }
}

/// All files of pages, in the order in which sections and their pages are linked.
const PAGES: &[PageSet] = &[
    companies::PAGES,
    contacts::PAGES,
    assets::PAGES,
    tickets::PAGES,
    billing_plans::PAGES,
    locations::PAGES,
    tags::PAGES,
    sync::PAGES,
    outbox::PAGES,
    holds::PAGES,
    duplicates::PAGES,
    deleted::PAGES,
    admin::PAGES,
    admin::IMPORT,
    agents::PAGES,
    settings::PAGES,
    views::PAGES,
    asset_secrets::PAGES,
    bulk_edit::PAGES,
    scripts::PAGES,
    search::PAGES,
    tables::PAGES,
];

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    let routes = OpenApiRouter::new();
    PAGES
        .iter()
        .fold(routes, |routes, pages| routes.merge((pages.routes)()))
}

/// Whether a path belongs to pages, or to what they fetch and send.
pub fn is_page(path: &str) -> bool {
    let first = path
        .strip_prefix('/')
        .and_then(|rest| rest.split('/').next());
    // What modules read there is no page.
    let is_json = path.starts_with("/billing-plans/api/") || path == "/billing-plans/export";
    let is_known = first.is_some() && PAGES.iter().any(|pages| pages.segment == first);
    path == "/" || sync::is_page(path) || (is_known && !is_json)
}

/// Whether a caller asks for HTML by name. Browsers do; modules and scripts send `*/*`.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = list(headers, &ACCEPT);
    let accepted = accepted.as_ref().and_then(|value| value.to_str().ok());
    let weight = |wanted: &str| {
        let types = accepted.unwrap_or_default().split(',');
        let weights = types.filter_map(|one| {
            let mut parts = one.split(';').map(str::trim);
            parts
                .next()
                .filter(|name| name.eq_ignore_ascii_case(wanted))?;
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            Some(weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
        });
        weights.fold(0.0_f32, f32::max)
    };
    let html = weight("text/html");
    html > 0.0 && html >= weight("application/json")
}
