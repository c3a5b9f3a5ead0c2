//! What people have deleted, and its return.

use axum::{http::StatusCode, response::Response};
use codex_core::records::DeletedOut;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{paging::PageParams, resource::ApiResource};
use crate::{
    app::App,
    auth::Call,
    http::{
        answer::{Answer, no_content},
        extract::{Path, Query},
        forwarded::Forwarded,
        problem::{ErrorOut, Problem, flat},
    },
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("deleted", "Deleted records, to list and restore")),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_deleted))
        .routes(routes!(restore_deleted))
}

/// List deleted records of a kind
///
/// Returns the records that people have deleted, newest first, one page at a time.
#[utoipa::path(get, path = "/api/deleted/{kind}", tag = "deleted",
    params(("kind" = String, Path, description = "Kind of record", example = "contact"), PageParams),
    responses(
        (status = 200, description = "A page", body = Vec<DeletedOut>),
        (status = 400, description = "There is no such kind, or a parameter is wrong", body = ErrorOut),
        (status = 403, description = "Only for those who may delete records of the kind", body = ErrorOut)))]
async fn list_deleted(
    call: Call,
    forwarded: Forwarded,
    Path(kind): Path<String>,
    Query(params): Query<PageParams>,
) -> Result<Response, Problem> {
    let page = params.page()?;
    let deleted = call.codex.deleted_records(&call.scope, &kind, &page);
    let page = deleted.await.map_err(flat)?;
    Ok(params.answer(&format!("/api/deleted/{kind}"), &forwarded, page, |row| row))
}

/// Restore a deleted record
///
/// The record gets its values from its claims again. A live record returns 404.
#[utoipa::path(post, path = "/api/deleted/{kind}/{id}/restore", tag = "deleted",
    params(("kind" = String, Path, description = "Kind of record", example = "contact"),
        ("id" = i64, Path, description = "Id of the record")),
    responses(
        (status = 204, description = "It is back"),
        (status = 400, description = "There is no such kind, or the id is not a number", body = ErrorOut),
        (status = 403, description = "Only for those who may delete records of the kind", body = ErrorOut),
        (status = 404, description = "No person has deleted such a record", body = ErrorOut),
        (status = 409, description = "Another record has taken its place", body = ErrorOut)))]
async fn restore_deleted(
    call: Call,
    Path((kind, id)): Path<(String, i64)>,
) -> Result<Answer<StatusCode>, Problem> {
    let restored = call.codex.restore(&call.scope, &call.author, &kind, id);
    let unknown = || Problem::not_found("No person has deleted such a record").flat();
    Ok(no_content(
        restored.await.map_err(flat)?.ok_or_else(unknown)?,
    ))
}
