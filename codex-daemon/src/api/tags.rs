//! Tags: list, get, create, update, delete, and put on many records at once.

use axum::{Json, http::StatusCode, response::Response};
use codex_core::{
    ids::TagId,
    records::{Intent, RecordBody as _},
    tags::{
        Tag, TagUses,
        query::LISTING,
        wire::{TagAddedOut, TagIn, TagOut, TagRecordsIn, TagRemovedOut},
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
    openapi::errors::{CreateErrors, FindErrors, Forbidden, NotClients, Technicians, UpdateErrors},
};

const PATH: &str = "/api/tags";

/// A tag with how many records have it.
type Row = (Tag, TagUses);

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some((
        "tags",
        "Tags of companies, contacts and assets, to add to many records at once",
    )),
    writers: &[
        ("POST", "/api/tags", Who::Technicians, PROBLEM),
        ("PUT", "/api/tags/{id}", Who::Technicians, PROBLEM),
        ("POST", "/api/tags/{id}/add", Who::Technicians, PROBLEM),
        ("POST", "/api/tags/{id}/remove", Who::Technicians, PROBLEM),
    ],
    named: &[NamedRecord {
        part: "/tags/{id}",
        check: named,
    }],
    lists: &[ApiList::plain(PATH, &LISTING)],
    ..ApiResource::of(routes)
};

/// Refuses a call for a record that is not there.
fn named<'c>(call: &'c Call, names: &'c Names) -> Checked<'c> {
    Box::pin(async move {
        if let Some(id) = names.id() {
            tag_now(call, TagId(id)).await?;
        }
        Ok(())
    })
}

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_tags, create_tag))
        .routes(routes!(get_tag, update_tag, delete_tag))
        .routes(routes!(add_tag))
        .routes(routes!(remove_tag))
}

fn unknown() -> Problem {
    Problem::not_found("There is no such tag.")
}

fn out((tag, uses): Row) -> TagOut {
    TagOut::new(&tag, uses)
}

fn versioned((tag, uses): Row) -> Versioned<TagOut> {
    let version = Some(tag.updated_at);
    Versioned(TagOut::new(&tag, uses), version)
}

/// The tag of a path, by its id.
async fn tag_now(call: &Call, id: TagId) -> Result<Versioned<TagOut>, Problem> {
    let found = call.codex.tag(&call.scope, id).await?;
    found.map(versioned).ok_or_else(unknown)
}

/// List tags
///
/// Returns one page at a time, by name. Each tag has the number of its companies, contacts and assets. Columns filter
/// as in `GET /api/contacts`.
#[utoipa::path(get, path = "/api/tags", tag = "tags", params(PageOfListParams), responses(
    (status = 200, description = "A page", body = Vec<TagOut>),
    Forbidden<NotClients, ProblemOut>))]
async fn list_tags(
    call: Call,
    forwarded: Forwarded,
    query: ListQuery,
) -> Result<Response, Problem> {
    query.require_fields::<TagOut>(&call.scope, &[], None)?;
    let page = call.codex.tags(&call.scope, &query.page).await?;
    let beside = |_: &Row| Map::new();
    Ok(query.answer(PATH, &forwarded, page, beside, out))
}

/// Create a tag
///
/// A name has 1 to 60 characters and is unique regardless of case. A colour is `#rrggbb`.
#[utoipa::path(post, path = "/api/tags", tag = "tags", request_body = TagIn, responses(
    (status = 201, description = "The new tag", body = TagOut),
    CreateErrors<Technicians, ProblemOut>,
    (status = 409, description = "Another tag has the name", body = ProblemOut)))]
async fn create_tag(
    call: Call,
    forwarded: Forwarded,
    Body(body): Body<Map<String, Value>>,
) -> Result<Answer<Created<TagOut>>, Problem> {
    let tag = TagIn::read(body, Intent::Create)?;
    let created = call.codex.create_tag(&call.scope, &call.author, &tag);
    Ok(answer(created.await?, |row| {
        let tag = out(row);
        Created::new(&forwarded, PATH, tag.id, tag)
    }))
}

/// Get a tag
///
/// Includes the number of its companies, contacts and assets.
#[utoipa::path(get, path = "/api/tags/{id}", tag = "tags",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The tag", body = TagOut),
        FindErrors<NotClients, ProblemOut>))]
async fn get_tag(call: Call, Path(id): Path<i64>) -> Result<Versioned<TagOut>, Problem> {
    tag_now(&call, TagId(id)).await
}

/// Update a tag
///
/// Only the keys that you send change. Records show the new name at once.
#[utoipa::path(put, path = "/api/tags/{id}", tag = "tags", request_body = TagIn,
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The tag as it is now", body = TagOut),
        UpdateErrors<Technicians, ProblemOut>,
        (status = 409, description = "Another tag has the name", body = ProblemOut)))]
async fn update_tag(
    call: Call,
    Path(id): Path<i64>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Answer<Versioned<TagOut>>, Problem> {
    let id = TagId(id);
    tag_now(&call, id).await?;
    let edit = TagIn::read(body, Intent::Update)?;
    let updated = call.codex.update_tag(&call.scope, &call.author, id, &edit);
    Ok(answer(updated.await?.ok_or_else(unknown)?, versioned))
}

/// Delete a tag
///
/// Records no longer show it. `POST /api/deleted/tag/{id}/restore` restores it on the same records.
#[utoipa::path(delete, path = "/api/tags/{id}", tag = "tags",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 204, description = "Deleted"),
        FindErrors<Technicians, ProblemOut>))]
async fn delete_tag(call: Call, Path(id): Path<i64>) -> Result<Answer<StatusCode>, Problem> {
    let deleted = call.codex.delete::<Tag>(&call.scope, &call.author, id);
    Ok(no_content(deleted.await?.ok_or_else(unknown)?))
}

/// Add a tag to many records
///
/// Up to 10,000 records of one kind. All or nothing: an unknown record returns 422, and `errors` has each of them.
/// Companies may be named by account number. Each changed record gets a new `ETag` and an entry in the change log.
#[utoipa::path(post, path = "/api/tags/{id}/add", tag = "tags", request_body = TagRecordsIn,
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "How many records have changed", body = TagAddedOut),
        FindErrors<Technicians, ProblemOut>,
        (status = 422, description = "Every fault of the body, and every record that is not there", body = ProblemOut)))]
async fn add_tag(
    call: Call,
    Path(id): Path<i64>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Answer<Json<TagAddedOut>>, Problem> {
    let id = TagId(id);
    tag_now(&call, id).await?;
    let named = TagRecordsIn::read(body)?;
    let added = call.codex.add_tag(&call.scope, &call.author, id, &named);
    Ok(answer(added.await?.ok_or_else(unknown)?, Json))
}

/// Remove a tag from many records
///
/// Records are named as in `POST /api/tags/{id}/add`. All or nothing.
#[utoipa::path(post, path = "/api/tags/{id}/remove", tag = "tags", request_body = TagRecordsIn,
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "How many records have changed", body = TagRemovedOut),
        FindErrors<Technicians, ProblemOut>,
        (status = 422, description = "Every fault of the body, and every record that is not there", body = ProblemOut)))]
async fn remove_tag(
    call: Call,
    Path(id): Path<i64>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Answer<Json<TagRemovedOut>>, Problem> {
    let id = TagId(id);
    tag_now(&call, id).await?;
    let named = TagRecordsIn::read(body)?;
    let removed = call.codex.remove_tag(&call.scope, &call.author, id, &named);
    Ok(answer(removed.await?.ok_or_else(unknown)?, Json))
}
