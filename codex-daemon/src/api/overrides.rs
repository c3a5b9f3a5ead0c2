//! What a company is billed by: its plan, what was agreed instead, and what it has.

use axum::{Json, http::StatusCode};
use codex_core::{
    assets::billable::BillableOut,
    billing_plans::effective::EffectivePlanOut,
    overrides::wire::{OverrideIn, OverrideOut},
};
use serde_json::{Map, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    companies::company,
    resource::ApiResource,
    writers::{FLAT, Who},
};
use crate::{
    app::App,
    auth::Call,
    http::{
        answer::{Answer, answer, no_content},
        body::Body,
        conditional::Versioned,
        extract::Path,
        problem::{ErrorOut, Problem, flat},
    },
    openapi::errors::{Billing, CreateErrors, FindErrors, Forbidden, NotClients, NotFound},
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    writers: &[(
        "PUT",
        "/api/companies/{account_number}/overrides/{key}",
        Who::Billing,
        FLAT,
    )],
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_company_plan))
        .routes(routes!(get_company_billable))
        .routes(routes!(list_overrides))
        .routes(routes!(get_override, set_override, delete_override))
}

fn not_agreed() -> Problem {
    Problem::not_found("Override not found").flat()
}

/// Get a company's effective plan
///
/// Returns the plan after overrides, and where each value comes from.
#[utoipa::path(get, path = "/api/companies/{account_number}/plan", tag = "billing",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "The plan in force", body = EffectivePlanOut),
        FindErrors<NotClients, ErrorOut>))]
async fn get_company_plan(
    call: Call,
    Path(account): Path<String>,
) -> Result<Json<EffectivePlanOut>, Problem> {
    let company = company(&call, &account).await?;
    let plan = call.codex.effective_plan(&call.scope, &company);
    Ok(Json(plan.await.map_err(flat)?))
}

/// Get a company's billable counts
///
/// Returns users, devices by type and backups, with the records behind each number.
#[utoipa::path(get, path = "/api/companies/{account_number}/billable", tag = "billing",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "What is billed", body = BillableOut),
        FindErrors<NotClients, ErrorOut>))]
async fn get_company_billable(
    call: Call,
    Path(account): Path<String>,
) -> Result<Json<BillableOut>, Problem> {
    let company = company(&call, &account).await?;
    let billable = call.codex.billable(&call.scope, &company);
    Ok(Json(billable.await.map_err(flat)?))
}

/// List a company's overrides
///
/// Returns all overrides by key, disabled overrides too.
#[utoipa::path(get, path = "/api/companies/{account_number}/overrides", tag = "billing",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "The override", body = Vec<OverrideOut>),
        FindErrors<NotClients, ErrorOut>))]
async fn list_overrides(
    call: Call,
    Path(account): Path<String>,
) -> Result<Json<Vec<OverrideOut>>, Problem> {
    let company = company(&call, &account).await?;
    let rows = call.codex.overrides(&call.scope, &company);
    Ok(Json(
        rows.await.map_err(flat)?.iter().map(Into::into).collect(),
    ))
}

/// Get a company's override for one key
///
/// Returns its value, and whether it is enabled.
#[utoipa::path(get, path = "/api/companies/{account_number}/overrides/{key}", tag = "billing",
    params(("account_number" = String, Path, description = "Account number", example = "100001"),
        ("key" = String, Path, description = "A price's key, `support_level`, or a kind of feature",
            example = "per_user_cost")),
    responses(
        (status = 200, description = "The override", body = OverrideOut),
        Forbidden<NotClients, ErrorOut>,
        (status = 404, description = "No such company, or nothing agreed", body = ErrorOut)))]
async fn get_override(
    call: Call,
    Path((account, key)): Path<(String, String)>,
) -> Result<Versioned<OverrideOut>, Problem> {
    let company = company(&call, &account).await?;
    let row = call.codex.override_of(&call.scope, &company, &key);
    let row = row.await.map_err(flat)?.ok_or_else(not_agreed)?;
    Ok(Versioned((&row).into(), Some(row.updated_at)))
}

/// Set a company's override for one key
///
/// Replaces an override of the same key. `enabled` alone disables or enables the override and keeps its value.
#[utoipa::path(put, path = "/api/companies/{account_number}/overrides/{key}", tag = "billing",
    params(("account_number" = String, Path, description = "Account number", example = "100001"),
        ("key" = String, Path, description = "A price's key, `support_level`, or a kind of feature",
            example = "per_user_cost")),
    request_body = OverrideIn,
    responses(
        (status = 200, description = "The override", body = OverrideOut),
        CreateErrors<Billing, ErrorOut>, NotFound<ErrorOut>))]
async fn set_override(
    call: Call,
    Path((account, key)): Path<(String, String)>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Answer<Versioned<OverrideOut>>, Problem> {
    let company = company(&call, &account).await?;
    let (codex, scope) = (&call.codex, &call.scope);
    let before = codex.override_of(scope, &company, &key).await;
    let before = before.map_err(flat)?;
    let sent = OverrideIn::read(&key, &body, before.is_some()).map_err(flat)?;
    let row = codex.set_override(scope, &call.author, &company, &key, &sent);
    Ok(answer(row.await.map_err(flat)?, |row| {
        Versioned((&row).into(), Some(row.updated_at))
    }))
}

/// Delete a company's override for one key
///
/// The value of the plan applies again.
#[utoipa::path(delete, path = "/api/companies/{account_number}/overrides/{key}", tag = "billing",
    params(("account_number" = String, Path, description = "Account number", example = "100001"),
        ("key" = String, Path, description = "A price's key, `support_level`, or a kind of feature",
            example = "per_user_cost")),
    responses(
        (status = 204, description = "Ended"),
        Forbidden<Billing, ErrorOut>,
        (status = 404, description = "No such company, or nothing agreed", body = ErrorOut)))]
async fn delete_override(
    call: Call,
    Path((account, key)): Path<(String, String)>,
) -> Result<Answer<StatusCode>, Problem> {
    let company = company(&call, &account).await?;
    let found = call
        .codex
        .delete_override(&call.scope, &call.author, &company, &key);
    Ok(no_content(
        found.await.map_err(flat)?.ok_or_else(not_agreed)?,
    ))
}
