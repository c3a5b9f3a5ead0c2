//! Search over everything.

use axum::Json;
use codex_core::search::wire::SearchOut;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resource::ApiResource;
use crate::{
    app::App,
    auth::Call,
    http::{extract::Query, problem::Problem},
};

/// Records that are shown when nothing else is asked for.
const LIMIT: usize = 20;

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("search", "Search in all records")),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search))
}

/// What to search.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct SearchParams {
    /// The term: all of its words must be there, anywhere in a name, or as words of what was said on a ticket.
    #[param(example = "acme")]
    q: String,
    /// Only these kinds, with commas between: `company`, `contact`, `asset`, `ticket`, `location`; for staff
    /// `psa_agent` and `billing_plan`, for administrators `agent`.
    kind: Option<String>,
    /// At most this many records, 1 to 100; the default is 20.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// Search all records
///
/// Searches companies, contacts, assets, tickets, locations, agents and plans, best match first. A record that the
/// term identifies comes first: by account number, serial number, host name, e-mail address, telephone number in any
/// spelling, or ticket number. Names match by any part, regardless of case and diacritics. Tickets also match by
/// words of their description and conversations, and assets by installed programs whose name begins with the term;
/// these come after the names, of which at most a thousand are ranked.
#[utoipa::path(get, path = "/api/search", tag = "search", params(SearchParams), responses(
    (status = 200, description = "What was found", body = SearchOut)))]
async fn search(
    call: Call,
    Query(params): Query<SearchParams>,
) -> Result<Json<SearchOut>, Problem> {
    let kinds = params.kind.as_deref().unwrap_or_default().split(',');
    let kinds: Vec<String> = kinds
        .map(|kind| kind.trim().to_owned())
        .filter(|kind| !kind.is_empty())
        .collect();
    let limit = params.limit.unwrap_or(LIMIT);
    let found = call.codex.search(&call.scope, &params.q, &kinds, limit);
    Ok(Json(found.await?))
}
