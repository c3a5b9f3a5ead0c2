//! The web interface: pages that the server renders, and the JSON that they fetch and send.
//!
//! One file per resource, its templates in `templates/<resource>`. A template gets a view, which is built for a
//! [`Scope`](codex_core::Scope) from the fields of the registry and holds nothing that the caller may not see. Pages
//! are documents whose body is one `<main>`: Nexus draws the rest, and brings the stylesheet.
//!
//! Pages are no part of the API description: they change with their templates.

mod address;
mod bulk_edit;
mod companies;
mod csrf;
pub(crate) mod dashboard;
mod error;
mod facets;
mod fields;
mod form;
pub(crate) mod layer;
mod shell;
mod table;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
mod views;
mod visit;

use axum::http::{HeaderMap, header::ACCEPT};
use utoipa_axum::router::OpenApiRouter;

use crate::{app::App, http::headers::list};

/// The first segments of the paths of pages, except the start page.
const FIRST_SEGMENTS: [&str; 3] = ["bulk", "companies", "views"];

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(bulk_edit::routes())
        .merge(companies::routes())
        .merge(views::routes())
        .merge(tables::routes())
}

/// Whether a path belongs to pages, or to what they fetch and send.
fn is_page(path: &str) -> bool {
    let first = path
        .strip_prefix('/')
        .and_then(|rest| rest.split('/').next());
    path == "/" || first.is_some_and(|first| FIRST_SEGMENTS.contains(&first))
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
