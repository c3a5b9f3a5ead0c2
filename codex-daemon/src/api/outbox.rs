//! Changes of tickets on their way to the PSA.

use axum::{Json, extract::State};
use codex_core::outbox::{OutboxEntry, OutboxState, wire::OutboxOut};
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
    openapi::errors::{FindErrors, Forbidden, NotClients, Technicians},
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource::of(routes);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_outbox))
        .routes(routes!(retry_outbox))
        .routes(routes!(cancel_outbox))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OutboxParams {
    /// The only state to list.
    state: Option<OutboxState>,
}

/// List changes that wait for the PSA
///
/// Returns changes of tickets, newest first. With `[upstream] write = off`, the default, no new change is queued.
/// Changes that an older version queued then have the state `off`, and are sent when somebody retries them. Changes
/// that have ended are listed for 90 days.
#[utoipa::path(get, path = "/sync/outbox", tag = "sync", params(OutboxParams), responses(
    (status = 200, description = "Changes, 500 at most", body = Vec<OutboxOut>),
    Forbidden<NotClients, ProblemOut>))]
async fn list_outbox(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<OutboxParams>,
) -> Result<Json<Vec<OutboxOut>>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let entries = app.codex().outbox(&scope, params.state).await?;
    Ok(Json(entries.iter().map(OutboxOut::from).collect()))
}

fn out(entry: Option<OutboxEntry>) -> Result<Json<OutboxOut>, Problem> {
    let entry = entry.ok_or_else(|| Problem::not_found("There is no such change."))?;
    Ok(Json(OutboxOut::from(&entry)))
}

/// A text that is no number is no change's id.
fn id(text: &str) -> Result<i64, Problem> {
    let id = text.parse();
    id.map_err(|_| Problem::not_found("There is no such change."))
}

/// Retry a change that waits for the PSA
///
/// Sends the change again. It overwrites what the PSA has now.
#[utoipa::path(post, path = "/sync/outbox/{change_id}/retry", tag = "sync",
    params(("change_id" = String, Path, description = "Change")),
    responses(
        (status = 200, description = "On its way", body = OutboxOut),
        FindErrors<Technicians, ProblemOut>,
        (status = 409, description = "On its way, or done", body = ProblemOut),
        (status = 503, description = "Writing is off, or the PSA is not configured", body = ProblemOut)))]
async fn retry_outbox(
    State(app): State<App>,
    caller: Caller,
    Path(change): Path<String>,
) -> Result<Json<OutboxOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    out(app.codex().retry_outbox(&scope, id(&change)?).await?)
}

/// Cancel a change that waits for the PSA
///
/// The PSA does not get the change. Codex keeps it.
#[utoipa::path(post, path = "/sync/outbox/{change_id}/cancel", tag = "sync",
    params(("change_id" = String, Path, description = "Change")),
    responses(
        (status = 200, description = "Stopped", body = OutboxOut),
        FindErrors<Technicians, ProblemOut>,
        (status = 409, description = "It has ended already", body = ProblemOut)))]
async fn cancel_outbox(
    State(app): State<App>,
    caller: Caller,
    Path(change): Path<String>,
) -> Result<Json<OutboxOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let author = caller.author(app.codex().now());
    let id = id(&change)?;
    out(app.codex().cancel_outbox(&scope, &author, id).await?)
}
