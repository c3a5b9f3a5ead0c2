//! Duplicate candidates: list, get, merge, reject.

use axum::{Json, response::Response};
use codex_core::duplicates::{
    query::LISTING,
    wire::{DuplicateMergeIn, DuplicateOut},
};
use serde_json::Map;
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
        answer::{Answer, answer},
        body::Body,
        extract::Path,
        forwarded::Forwarded,
        problem::{Problem, ProblemOut},
    },
    openapi::errors::{FindErrors, Forbidden, Technicians},
};

const PATH: &str = "/api/duplicates";

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some((
        "duplicates",
        "Pairs of records that may be one: evidence and decisions",
    )),
    writers: &[(
        "POST",
        "/api/duplicates/{duplicate_id}/merge",
        Who::Technicians,
        PROBLEM,
    )],
    named: &[NamedRecord {
        part: "{duplicate_id}",
        check: named,
    }],
    lists: &[ApiList::plain(PATH, &LISTING)],
    ..ApiResource::of(routes)
};

/// Refuses a call for a record that is not there.
fn named<'c>(call: &'c Call, names: &'c Names) -> Checked<'c> {
    Box::pin(async move {
        drop(duplicate(call, names.text("duplicate_id")).await?);
        Ok(())
    })
}

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_duplicates))
        .routes(routes!(get_duplicate))
        .routes(routes!(merge_duplicate))
        .routes(routes!(reject_duplicate))
}

/// List duplicate candidates
///
/// Returns one page at a time, newest first. `state=open` lists candidates that wait for a decision. `kind=asset` or
/// `kind=contact` lists candidates of one kind.
#[utoipa::path(get, path = "/api/duplicates", tag = "duplicates", params(PageOfListParams), responses(
    (status = 200, description = "A page", body = Vec<DuplicateOut>),
    Forbidden<Technicians, ProblemOut>))]
async fn list_duplicates(
    call: Call,
    forwarded: Forwarded,
    query: ListQuery,
) -> Result<Response, Problem> {
    query.require_fields::<DuplicateOut>(&call.scope, &[], None)?;
    let page = query.page_by("id", true);
    let page = call.codex.duplicates(&call.scope, &page).await?;
    let beside = |_: &DuplicateOut| Map::new();
    Ok(query.answer(PATH, &forwarded, page, beside, |duplicate| duplicate))
}

fn unknown() -> Problem {
    Problem::not_found("There is no such duplicate candidate.")
}

fn id(text: &str) -> Result<i64, Problem> {
    let id = text.parse();
    id.map_err(|_| unknown())
}

/// The candidate of a path, by its id.
pub(super) async fn duplicate(call: &Call, text: &str) -> Result<Json<DuplicateOut>, Problem> {
    let found = call.codex.duplicate(&call.scope, id(text)?).await?;
    found.map(Json).ok_or_else(unknown)
}

/// Get a duplicate candidate
///
/// Returns both records, the evidence and the decision.
#[utoipa::path(get, path = "/api/duplicates/{duplicate_id}", tag = "duplicates",
    params(("duplicate_id" = String, Path, description = "Duplicate candidate")),
    responses(
        (status = 200, description = "The candidate", body = DuplicateOut),
        FindErrors<Technicians, ProblemOut>))]
async fn get_duplicate(
    call: Call,
    Path(duplicate): Path<String>,
) -> Result<Json<DuplicateOut>, Problem> {
    self::duplicate(&call, &duplicate).await
}

/// Merge the records of a duplicate candidate
///
/// Claims, manual values, links, tags, secrets and inventories move to the record that is kept: the older one unless
/// `keep` has the other. The other record is deleted. Records of different companies cannot be merged.
#[utoipa::path(post, path = "/api/duplicates/{duplicate_id}/merge", tag = "duplicates",
    params(("duplicate_id" = String, Path, description = "Duplicate candidate")),
    request_body = Option<DuplicateMergeIn>,
    responses(
        (status = 200, description = "Merged", body = DuplicateOut),
        FindErrors<Technicians, ProblemOut>,
        (status = 409, description = "Decided already, of different companies, or one of the records is gone",
            body = ProblemOut),
        (status = 422, description = "`keep` is neither of the two", body = ProblemOut)))]
async fn merge_duplicate(
    call: Call,
    Path(duplicate): Path<String>,
    body: Option<Body<DuplicateMergeIn>>,
) -> Result<Answer<Json<DuplicateOut>>, Problem> {
    let which = body.map(|Body(which)| which).unwrap_or_default();
    let (scope, author, id) = (&call.scope, &call.author, id(&duplicate)?);
    let merged = call.codex.merge_duplicate(scope, author, id, which).await?;
    Ok(answer(merged.ok_or_else(unknown)?, Json))
}

/// Reject a duplicate candidate
///
/// The two records stay apart and are never proposed again.
#[utoipa::path(post, path = "/api/duplicates/{duplicate_id}/reject", tag = "duplicates",
    params(("duplicate_id" = String, Path, description = "Duplicate candidate")),
    responses(
        (status = 200, description = "Rejected", body = DuplicateOut),
        FindErrors<Technicians, ProblemOut>,
        (status = 409, description = "Decided already", body = ProblemOut)))]
async fn reject_duplicate(
    call: Call,
    Path(duplicate): Path<String>,
) -> Result<Answer<Json<DuplicateOut>>, Problem> {
    let (scope, author, id) = (&call.scope, &call.author, id(&duplicate)?);
    let rejected = call.codex.reject_duplicate(scope, author, id).await?;
    Ok(answer(rejected.ok_or_else(unknown)?, Json))
}
