//! Assets across companies.

use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use codex_core::{
    assets::{audit::wire::AssetAuditOut, wire::AssetOut},
    ids::AssetId,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::paging::ListParams;
use crate::{
    app::App,
    auth::Caller,
    forwarded::Forwarded,
    problem::{ErrorOut, Problem, ProblemOut},
};

const PATH: &str = "/api/assets";

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_assets))
        .routes(routes!(get_asset))
        .routes(routes!(get_asset_alias))
        .routes(routes!(get_asset_audit))
}

/// List assets, a page at a time.
///
/// A bare array; the address of the next page is in the header `Link: <...>; rel="next"`.
#[utoipa::path(get, path = "/api/assets", tag = "assets", params(ListParams), responses(
    (status = 200, description = "A page", body = Vec<AssetOut>),
    (status = 400, description = "A parameter is wrong", body = ProblemOut),
    (status = 401, description = "No valid token", body = ProblemOut),
    (status = 404, description = "No such company", body = ErrorOut)))]
async fn list_assets(
    State(app): State<App>,
    caller: Caller,
    forwarded: Forwarded,
    Query(params): Query<ListParams>,
) -> Result<Response, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let company = params.company(&app, &scope).await?;
    let page = app.codex().assets(&scope, company, &params.page()?).await?;
    let out = |(asset, level): (_, String)| AssetOut::new(&asset, &level);
    Ok(params.answer(PATH, &forwarded, page, out))
}

/// Get one asset.
#[utoipa::path(get, path = "/api/assets/{id}", tag = "assets",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The asset", body = AssetOut),
        (status = 400, description = "The id is no number", body = ProblemOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such asset, or none that the caller may see", body = ErrorOut)))]
async fn get_asset(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<AssetOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    match app.codex().asset(&scope, AssetId(id)).await? {
        Some((asset, level)) => Ok(Json(AssetOut::new(&asset, &level))),
        None => Err(Problem::not_found("Asset not found").flat()),
    }
}

/// Get what is in an asset and on it, as the RMM's inventory found it.
#[utoipa::path(get, path = "/api/assets/{id}/audit", tag = "assets",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "Its hardware and programs, as far as they were read", body = AssetAuditOut),
        (status = 400, description = "The id is no number", body = ProblemOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such asset, or none that the caller may see", body = ErrorOut)))]
async fn get_asset_audit(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<AssetAuditOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    match app.codex().asset_audit(&scope, AssetId(id)).await? {
        Some((asset, audit)) => Ok(Json(AssetAuditOut::new(&asset, audit.as_ref()))),
        None => Err(Problem::not_found("Asset not found").flat()),
    }
}

/// Get one asset, under the name that Brainhair calls.
#[utoipa::path(get, path = "/api/asset/{id}", tag = "assets",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The asset", body = AssetOut),
        (status = 400, description = "The id is no number", body = ProblemOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such asset, or none that the caller may see", body = ErrorOut)))]
async fn get_asset_alias(
    app: State<App>,
    caller: Caller,
    id: Path<i64>,
) -> Result<Json<AssetOut>, Problem> {
    get_asset(app, caller, id).await
}
