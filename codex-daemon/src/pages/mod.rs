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
mod record;
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
mod trouble;
mod views;
mod visit;

use axum::http::{HeaderMap, header::ACCEPT};
use utoipa_axum::router::OpenApiRouter;

use crate::{app::App, http::headers::list};

pub(crate) use csrf::FIELD as TOKEN;
pub(crate) use scripts::FOLDER as SCRIPTS;

/// The first segments of the paths of pages, except the start page.
const FIRST_SEGMENTS: &[&str] = &[
    "admin",
    "agents",
    "assets",
    "billing-plans",
    "bulk",
    "companies",
    "contacts",
    "deleted",
    "duplicates",
    "holds",
    "locations",
    "outbox",
    "search",
    "settings",
    "tags",
    "tickets",
    "views",
];

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(admin::routes())
        .merge(agents::routes())
        .merge(asset_secrets::routes())
        .merge(billing_plans::routes())
        .merge(bulk_edit::routes())
        .merge(companies::routes())
        .merge(deleted::routes())
        .merge(duplicates::routes())
        .merge(holds::routes())
        .merge(outbox::routes())
        .merge(record::routes::<assets::Assets>())
        .merge(record::routes::<contacts::Contacts>())
        .merge(record::routes::<locations::Locations>())
        .merge(record::routes::<tags::Tags>())
        .merge(scripts::routes())
        .merge(search::routes())
        .merge(settings::routes())
        .merge(sync::routes())
        .merge(tables::routes())
        .merge(tickets::routes())
        .merge(views::routes())
}

/// Whether a path belongs to pages, or to what they fetch and send.
pub fn is_page(path: &str) -> bool {
    let first = path
        .strip_prefix('/')
        .and_then(|rest| rest.split('/').next());
    // What modules read there is no page.
    let is_json = path.starts_with("/billing-plans/api/") || path == "/billing-plans/export";
    let is_known = first.is_some_and(|first| FIRST_SEGMENTS.contains(&first));
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
