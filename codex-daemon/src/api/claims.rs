//! What each source states about a record, and the release of manual values.

use axum::http::StatusCode;
use codex_core::claims::{
    ClaimedResource,
    wire::{FieldClaimsOut, RecordClaimsOut},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resource::ApiResource;
use crate::{
    app::App,
    auth::Call,
    http::{
        answer::{Answer, answer},
        conditional::Versioned,
        extract::Path,
        problem::{Problem, ProblemOut},
    },
    openapi::errors::{FindErrors, Forbidden, NotClients},
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some((
        "claims",
        "What each source states about a record, and the release of manual values",
    )),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_claims))
        .routes(routes!(get_billing_plan_claims))
        .routes(routes!(get_manual_value, release_manual_value))
}

/// Get what each source states about a record
///
/// Returns, for each field, its value, the source that wins, since when, and what other sources state; and the
/// sources that have the record. Polled values such as `last_seen` come from one source and have no claims.
/// `resource` is one of agents, assets, billing-plans, companies, contacts, locations and tickets. `id` is what
/// identifies the record elsewhere: an account number, a ticket number, a Keycloak id, or an id. Only administrators
/// read agents.
#[utoipa::path(get, path = "/api/{resource}/{id}/claims", tag = "claims",
    params(("resource" = ClaimedResource, Path, description = "Resource", example = "companies"),
        ("id" = String, Path, description = "What names the record", example = "100001")),
    responses(
        (status = 200, description = "Its claims", body = RecordClaimsOut),
        FindErrors<NotClients, ProblemOut>))]
async fn get_claims(
    call: Call,
    Path((resource, id)): Path<(String, String)>,
) -> Result<Versioned<RecordClaimsOut>, Problem> {
    claims(&call, resource_of(&resource)?, &id).await
}

/// Get what each source states about a plan
///
/// Same as `GET /api/{resource}/{id}/claims`.
#[utoipa::path(get, path = "/api/billing-plans/{id}/claims", tag = "claims",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "Its claims", body = RecordClaimsOut),
        FindErrors<NotClients, ProblemOut>))]
async fn get_billing_plan_claims(
    call: Call,
    Path(id): Path<i64>,
) -> Result<Versioned<RecordClaimsOut>, Problem> {
    claims(&call, ClaimedResource::BillingPlans, &id.to_string()).await
}

/// Get a manual value of a record
///
/// Returns the value that a person set, and what the sources state.
#[utoipa::path(get, path = "/api/{resource}/{id}/claims/manual/{field}", tag = "claims",
    params(("resource" = ClaimedResource, Path, description = "Resource", example = "companies"),
        ("id" = String, Path, description = "What names the record", example = "100001"),
        ("field" = String, Path, description = "Field", example = "description")),
    responses(
        (status = 200, description = "The field's claims", body = FieldClaimsOut),
        Forbidden<NotClients, ProblemOut>,
        (status = 404, description = "No such resource, record or field, or nobody has set it", body = ProblemOut)))]
async fn get_manual_value(
    call: Call,
    Path((resource, id, field)): Path<(String, String, String)>,
) -> Result<Versioned<FieldClaimsOut>, Problem> {
    let resource = resource_of(&resource)?;
    let manual = call.codex.manual_claim(&call.scope, resource, &id, &field);
    let (claims, version) = manual.await?;
    Ok(Versioned(claims, Some(version)))
}

/// Release a manual value of a record
///
/// The field follows the sources again, and the change log has who released it. A field that no source states, of a
/// record that a person created, cannot be released: set another value. Technicians, administrators and services may
/// release. Billing plans are released by the billing role, agents by administrators.
#[utoipa::path(delete, path = "/api/{resource}/{id}/claims/manual/{field}", tag = "claims",
    params(("resource" = ClaimedResource, Path, description = "Resource", example = "companies"),
        ("id" = String, Path, description = "What names the record", example = "100001"),
        ("field" = String, Path, description = "Field", example = "description")),
    responses(
        (status = 204, description = "Released"),
        (status = 403, description = "Not for this role", body = ProblemOut),
        (status = 404, description = "No such resource, record or field, or nobody has set it", body = ProblemOut),
        (status = 409, description = "People made the record and no source states the field", body = ProblemOut)))]
async fn release_manual_value(
    call: Call,
    Path((resource, id, field)): Path<(String, String, String)>,
) -> Result<Answer<StatusCode>, Problem> {
    let resource = resource_of(&resource)?;
    let released = call
        .codex
        .release_claim(&call.scope, &call.author, resource, &id, &field);
    Ok(answer(released.await?, |_| StatusCode::NO_CONTENT))
}

async fn claims(
    call: &Call,
    resource: ClaimedResource,
    id: &str,
) -> Result<Versioned<RecordClaimsOut>, Problem> {
    let (claims, version) = call.codex.record_claims(&call.scope, resource, id).await?;
    Ok(Versioned(claims, Some(version)))
}

/// The resource of a path, by the names of paths alone.
fn resource_of(name: &str) -> Result<ClaimedResource, Problem> {
    let found = ClaimedResource::ALL
        .iter()
        .find(|resource| resource.path() == name);
    found.copied().ok_or_else(|| {
        let all = ClaimedResource::paths().join(", ");
        Problem::not_found(format!("`{name}` has no claims; these have: {all}"))
    })
}
