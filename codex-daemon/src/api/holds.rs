//! Held deletions: list, approve, reject.

use axum::{Json, extract::State};
use codex_core::holds::{Hold, HoldStatus, wire::HoldOut};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resource::ApiResource;
use crate::{
    app::App,
    auth::Caller,
    http::{
        extract::{Path, Query},
        problem::{Problem, ProblemOut},
    },
    openapi::errors::{Administrators, FindErrors, Forbidden, NotClients},
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource::of(routes);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_holds))
        .routes(routes!(approve_hold))
        .routes(routes!(reject_hold))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct HoldParams {
    /// The only state to list.
    status: Option<HoldStatus>,
}

/// List held deletions
///
/// Returns the newest first. A sync holds a deletion when too many records of a collection are missing at once. A
/// person approves or rejects it.
#[utoipa::path(get, path = "/sync/holds", tag = "sync", params(HoldParams), responses(
    (status = 200, description = "Held deletions, 500 at most", body = Vec<HoldOut>),
    Forbidden<NotClients, ProblemOut>))]
async fn list_holds(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<HoldParams>,
) -> Result<Json<Vec<HoldOut>>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let holds = app.codex().holds(&scope, params.status).await?;
    Ok(Json(holds.iter().map(HoldOut::from).collect()))
}

fn out(hold: Option<Hold>) -> Result<Json<HoldOut>, Problem> {
    let hold = hold.ok_or_else(|| Problem::not_found("There is no such held deletion."))?;
    Ok(Json(HoldOut::from(&hold)))
}

/// Approve a held deletion
///
/// Deletes its records. A record returns when its source lists it again.
#[utoipa::path(post, path = "/sync/holds/{hold_id}/approve", tag = "sync",
    params(("hold_id" = String, Path, description = "Held deletion")),
    responses(
        (status = 200, description = "Done", body = HoldOut),
        FindErrors<Administrators, ProblemOut>,
        (status = 409, description = "Decided already, or expired", body = ProblemOut)))]
async fn approve_hold(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<HoldOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let author = caller.author(app.codex().now());
    out(app.codex().approve_hold(&scope, &author, &id).await?)
}

/// Reject a held deletion
///
/// Keeps its records. No new deletion is held unless more records of the collection go missing.
#[utoipa::path(post, path = "/sync/holds/{hold_id}/reject", tag = "sync",
    params(("hold_id" = String, Path, description = "Held deletion")),
    responses(
        (status = 200, description = "Done", body = HoldOut),
        FindErrors<Administrators, ProblemOut>,
        (status = 409, description = "Decided already, or expired", body = ProblemOut)))]
async fn reject_hold(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<HoldOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let author = caller.author(app.codex().now());
    out(app.codex().reject_hold(&scope, &author, &id).await?)
}
