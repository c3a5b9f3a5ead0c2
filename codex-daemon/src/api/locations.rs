//! Locations of a company.

use axum::http::StatusCode;
use codex_core::{
    address::segment,
    companies::{COMPANY_NUMBER, Company},
    ids::LocationId,
    locations::{
        Location,
        query::LISTING,
        wire::{LocationIn, LocationOut},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    companies::company,
    resource::{ApiList, ApiResource, Checked, NamedRecord, Names},
    writers::{FLAT, Who},
};
use crate::{
    app::App,
    auth::Call,
    http::{
        answer::{Answer, answer, no_content},
        body::{NewBody, UpdateBody},
        conditional::Versioned,
        created::Created,
        extract::Path,
        forwarded::Forwarded,
        problem::{ErrorOut, Problem, flat},
    },
    openapi::errors::{CreateErrors, FindErrors, NotFound, Technicians, UpdateErrors},
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    writers: &[
        (
            "POST",
            "/api/companies/{account_number}/locations",
            Who::Technicians,
            FLAT,
        ),
        (
            "PUT",
            "/api/companies/{account_number}/locations/{id}",
            Who::Technicians,
            FLAT,
        ),
        (
            "POST",
            "/companies/{account_number}/locations",
            Who::Technicians,
            FLAT,
        ),
        (
            "PUT",
            "/companies/{account_number}/locations/{id}",
            Who::Technicians,
            FLAT,
        ),
    ],
    named: &[NamedRecord {
        part: "/locations/{id}",
        check: named,
    }],
    lists: &[ApiList::of::<Location>(
        "/api/companies/{account_number}/locations",
        &LISTING,
        Some(COMPANY_NUMBER),
    )],
    ..ApiResource::of(routes)
};

/// Refuses a call for a record that is not there.
fn named<'c>(call: &'c Call, names: &'c Names) -> Checked<'c> {
    Box::pin(async move {
        let company = company(call, names.text("account_number")).await?;
        if let Some(id) = names.id() {
            location(call, &company, id).await?;
        }
        Ok(())
    })
}

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_location))
        .routes(routes!(get_location, update_location, delete_location))
}

pub(crate) fn unknown() -> Problem {
    Problem::not_found("Location not found").flat()
}

/// A location of a company, by its id.
pub(crate) async fn location(call: &Call, company: &Company, id: i64) -> Result<Location, Problem> {
    let found = call.codex.location(&call.scope, company, LocationId(id));
    found.await.map_err(flat)?.ok_or_else(unknown)
}

fn out(location: &Location, company: &Company) -> LocationOut {
    LocationOut::new(location, company.compliance_level())
}

/// Create a location of a company
///
/// The location stays until a person deletes it.
#[utoipa::path(post, path = "/api/companies/{account_number}/locations", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    request_body = LocationIn,
    responses(
        (status = 201, description = "The new location", body = LocationOut),
        CreateErrors<Technicians, ErrorOut>, NotFound<ErrorOut>))]
async fn create_location(
    call: Call,
    Path(account): Path<String>,
    forwarded: Forwarded,
    NewBody(location): NewBody<LocationIn>,
) -> Result<Answer<Created<LocationOut>>, Problem> {
    let company = company(&call, &account).await?;
    let made = call
        .codex
        .create_location(&call.scope, &call.author, &company, &location);
    Ok(answer(made.await.map_err(flat)?, |location| {
        let list = format!("/api/companies/{}/locations", segment(&account));
        let out = out(&location, &company);
        Created::new(&forwarded, &list, location.id, out)
    }))
}

/// Get a location of a company
///
/// The location must belong to the company, otherwise the answer is 404.
#[utoipa::path(get, path = "/api/companies/{account_number}/locations/{id}", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001"),
        ("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The location", body = LocationOut),
        NotFound<ErrorOut>))]
async fn get_location(
    call: Call,
    Path((account, id)): Path<(String, i64)>,
) -> Result<Versioned<LocationOut>, Problem> {
    let company = company(&call, &account).await?;
    let location = location(&call, &company, id).await?;
    let version = Some(location.updated_at);
    Ok(Versioned(out(&location, &company), version))
}

/// Update a location of a company
///
/// Only the keys that you send change. They become manual values, which win over every source until they are
/// released.
#[utoipa::path(put, path = "/api/companies/{account_number}/locations/{id}", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001"),
        ("id" = i64, Path, description = "Id")),
    request_body = LocationIn,
    responses(
        (status = 200, description = "The location as it is now", body = LocationOut),
        UpdateErrors<Technicians, ErrorOut>))]
async fn update_location(
    call: Call,
    Path((account, id)): Path<(String, i64)>,
    UpdateBody(edit): UpdateBody<LocationIn>,
) -> Result<Answer<Versioned<LocationOut>>, Problem> {
    let company = company(&call, &account).await?;
    let changed =
        call.codex
            .update_location(&call.scope, &call.author, &company, LocationId(id), &edit);
    let changed = changed.await.map_err(flat)?.ok_or_else(unknown)?;
    Ok(answer(changed, |location| {
        Versioned(out(&location, &company), Some(location.updated_at))
    }))
}

/// Delete a location of a company
///
/// No sync brings it back. `POST /api/deleted/location/{id}/restore` restores it.
#[utoipa::path(delete, path = "/api/companies/{account_number}/locations/{id}", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001"),
        ("id" = i64, Path, description = "Id")),
    responses(
        (status = 204, description = "Deleted"),
        FindErrors<Technicians, ErrorOut>))]
async fn delete_location(
    call: Call,
    Path((account, id)): Path<(String, i64)>,
) -> Result<Answer<StatusCode>, Problem> {
    let company = company(&call, &account).await?;
    let deleted = call
        .codex
        .delete_location(&call.scope, &call.author, &company, LocationId(id));
    Ok(no_content(
        deleted.await.map_err(flat)?.ok_or_else(unknown)?,
    ))
}
