//! Saved views: list, get, create, update, delete.

use axum::{http::StatusCode, response::Response};
use codex_core::{
    ids::ViewId,
    records::{Intent, RecordBody as _},
    views::{
        View,
        query::LISTING,
        rules::require_change,
        wire::{ViewIn, ViewOut},
    },
};
use serde_json::{Map, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    paging::{ListQuery, PageOfListParams},
    resource::{ApiList, ApiResource, Checked, NamedRecord, Names},
    writers::{PROBLEM, Who},
};
use crate::{
    app::App,
    auth::Call,
    http::{
        answer::{Answer, answer, no_content},
        body::Body,
        conditional::Versioned,
        created::Created,
        extract::Path,
        forwarded::Forwarded,
        problem::{Problem, ProblemOut},
    },
    openapi::errors::{CreateErrors, FindErrors, Forbidden, NotClients, UpdateErrors},
};

const PATH: &str = "/api/views";

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("views", "Saved views: the query of a list under a name")),
    writers: &[
        ("POST", "/api/views", Who::Staff, PROBLEM),
        // Whose view it is decides further.
        ("PUT", "/api/views/{id}", Who::Staff, PROBLEM),
    ],
    named: &[NamedRecord {
        part: "/views/{id}",
        check: named,
    }],
    lists: &[ApiList::plain(PATH, &LISTING)],
    ..ApiResource::of(routes)
};

/// Refuses a call for a record that is not there.
fn named<'c>(call: &'c Call, names: &'c Names) -> Checked<'c> {
    Box::pin(async move {
        if let Some(id) = names.id() {
            view_to_change(call, ViewId(id)).await?;
        }
        Ok(())
    })
}

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_views, create_view))
        .routes(routes!(get_view, update_view, delete_view))
}

fn unknown() -> Problem {
    Problem::not_found("There is no such view, or none that you may see.")
}

fn versioned(view: &View) -> Versioned<ViewOut> {
    let version = Some(view.updated_at);
    Versioned(ViewOut::new(view), version)
}

async fn view(call: &Call, id: ViewId) -> Result<View, Problem> {
    let found = call.codex.view(&call.scope, &call.author.actor, id).await?;
    found.ok_or_else(unknown)
}

/// Refuses a change of a view that is not there, or that the caller may not change.
async fn view_to_change(call: &Call, id: ViewId) -> Result<(), Problem> {
    let view = view(call, id).await?;
    Ok(require_change(
        &call.scope,
        &view.fields,
        &call.author.actor,
    )?)
}

/// List the views that you see, by name
///
/// Your own, and those that all staff see. Columns filter as in the list of contacts: `resource=assets` leaves the views
/// of the list of assets.
#[utoipa::path(get, path = "/api/views", tag = "views", params(PageOfListParams), responses(
    (status = 200, description = "A page", body = Vec<ViewOut>),
    Forbidden<NotClients, ProblemOut>))]
async fn list_views(
    call: Call,
    forwarded: Forwarded,
    query: ListQuery,
) -> Result<Response, Problem> {
    query.require_fields::<ViewOut>(&call.scope, &[], None)?;
    let actor = &call.author.actor;
    let page = call.codex.views(&call.scope, actor, &query.page).await?;
    let beside = |_: &View| Map::new();
    Ok(query.answer(PATH, &forwarded, page, beside, |view| ViewOut::new(&view)))
}

/// Create a view of a list
///
/// `query` is what the address of the list's page has behind the question mark; unknown parameters are refused. Staff
/// create personal views, technicians also shared ones, and administrators the default of a role: what its people see
/// first. A person has at most 100 views of a list, and at most 100 are shared.
#[utoipa::path(post, path = "/api/views", tag = "views", request_body = ViewIn, responses(
    (status = 201, description = "The new view", body = ViewOut),
    CreateErrors<NotClients, ProblemOut>,
    (status = 409, description = "The role has a default already, or there are too many views", body = ProblemOut)))]
async fn create_view(
    call: Call,
    forwarded: Forwarded,
    Body(body): Body<Map<String, Value>>,
) -> Result<Answer<Created<ViewOut>>, Problem> {
    let view = ViewIn::read(body, Intent::Create)?;
    let created = call.codex.create_view(&call.scope, &call.author, &view);
    Ok(answer(created.await?, |view| {
        let view = ViewOut::new(&view);
        Created::new(&forwarded, PATH, view.id, view)
    }))
}

/// Get one view
///
/// A personal view of somebody else is 404.
#[utoipa::path(get, path = "/api/views/{id}", tag = "views",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The view", body = ViewOut),
        FindErrors<NotClients, ProblemOut>))]
async fn get_view(call: Call, Path(id): Path<i64>) -> Result<Versioned<ViewOut>, Problem> {
    view(&call, ViewId(id)).await.map(|view| versioned(&view))
}

/// Update a view
///
/// Only the keys that are sent change. Owners update personal views, technicians shared ones, administrators the defaults
/// of roles. A view stays one of its list.
#[utoipa::path(put, path = "/api/views/{id}", tag = "views", request_body = ViewIn,
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The view as it is now", body = ViewOut),
        UpdateErrors<NotClients, ProblemOut>,
        (status = 409, description = "The role has a default already, or there are too many views", body = ProblemOut)))]
async fn update_view(
    call: Call,
    Path(id): Path<i64>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Answer<Versioned<ViewOut>>, Problem> {
    view_to_change(&call, ViewId(id)).await?;
    let edit = ViewIn::read(body, Intent::Update)?;
    let updated = call
        .codex
        .update_view(&call.scope, &call.author, ViewId(id), &edit);
    Ok(answer(updated.await?.ok_or_else(unknown)?, |view| {
        versioned(&view)
    }))
}

/// Delete a view
///
/// Owners delete personal views, technicians shared ones, administrators the defaults of roles. An administrator can
/// restore it with `POST /api/deleted/view/{id}/restore`.
#[utoipa::path(delete, path = "/api/views/{id}", tag = "views",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 204, description = "Deleted"),
        FindErrors<NotClients, ProblemOut>))]
async fn delete_view(call: Call, Path(id): Path<i64>) -> Result<Answer<StatusCode>, Problem> {
    let deleted = call
        .codex
        .delete_view(&call.scope, &call.author, ViewId(id));
    Ok(no_content(deleted.await?.ok_or_else(unknown)?))
}
