//! Facets of lists: how many records have each value of a column.

use axum::{Json, extract::State, http::Uri};
use codex_core::list::{FacetOut, ListedResource};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    paging::{ListParams, ListQuery, named},
    resource::ApiResource,
};
use crate::{
    app::App,
    auth::Caller,
    http::problem::{ErrorOut, Problem},
    openapi::errors::NotFound,
};

const COLUMNS: &str = "columns";

/// What it registers.
pub(super) const API: ApiResource = ApiResource::of(routes);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(count_assets))
        .routes(routes!(count_companies))
        .routes(routes!(count_contacts))
        .routes(routes!(count_tickets))
}

/// Which records, and by which columns; every other parameter is a filter.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what `facets` reads")]
struct FacetParams {
    /// Columns to count the values of, with commas between; all that have facets when not given.
    columns: Option<String>,
    /// Only records whose name, address or number holds all words of this term.
    q: Option<String>,
}

async fn facets(
    app: &App,
    caller: &Caller,
    list: ListedResource,
    uri: &Uri,
) -> Result<Json<Vec<FacetOut>>, Problem> {
    let mut columns = Vec::new();
    let mut query = ListQuery::of_those(uri, |name, value| {
        if name == COLUMNS {
            columns = named(value).into_iter().map(str::to_owned).collect();
        }
        name != COLUMNS
    })?;
    let scope = caller.scope(app.codex()).await?;
    let company = query.company(app, &scope).await?;
    let codex = app.codex();
    let facets = codex.facets(&scope, list, company, &query.page, &columns);
    Ok(Json(facets.await?))
}

/// Get counts of assets by the values of columns
///
/// At most ten values of each column, the most frequent first, among the assets that the filters of the list of assets
/// leave. Columns with facets are `hardware_type`, `online` and `patch_status`; clients may not count by the last.
#[utoipa::path(get, path = "/api/assets/facets", tag = "assets", params(ListParams, FacetParams), responses(
    (status = 200, description = "A facet of each column", body = Vec<FacetOut>),
    NotFound<ErrorOut>))]
async fn count_assets(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Vec<FacetOut>>, Problem> {
    facets(&app, &caller, ListedResource::Assets, &uri).await
}

/// Get counts of companies by the values of columns
///
/// As for assets. Columns with facets are `compliance_level` and `contract_term_length`, and for staff `billing_plan` and
/// `support_level`.
#[utoipa::path(get, path = "/api/companies/facets", tag = "companies", params(ListParams, FacetParams), responses(
    (status = 200, description = "A facet of each column", body = Vec<FacetOut>),
    NotFound<ErrorOut>))]
async fn count_companies(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Vec<FacetOut>>, Problem> {
    facets(&app, &caller, ListedResource::Companies, &uri).await
}

/// Get counts of contacts by the values of columns
///
/// As for assets. Columns with facets are `active` and `employment_type`.
#[utoipa::path(get, path = "/api/contacts/facets", tag = "contacts", params(ListParams, FacetParams), responses(
    (status = 200, description = "A facet of each column", body = Vec<FacetOut>),
    NotFound<ErrorOut>))]
async fn count_contacts(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Vec<FacetOut>>, Problem> {
    facets(&app, &caller, ListedResource::Contacts, &uri).await
}

/// Get counts of tickets by the values of columns
///
/// As for assets. Columns with facets are `status`, `priority` and `ticket_type`. Statuses and priorities are counted by
/// their words.
#[utoipa::path(get, path = "/api/tickets/facets", tag = "tickets", params(ListParams, FacetParams), responses(
    (status = 200, description = "A facet of each column", body = Vec<FacetOut>),
    NotFound<ErrorOut>))]
async fn count_tickets(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Vec<FacetOut>>, Problem> {
    facets(&app, &caller, ListedResource::Tickets, &uri).await
}
