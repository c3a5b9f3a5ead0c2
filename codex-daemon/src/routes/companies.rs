//! Companies and what belongs to one (contract 1.2.B).

use axum::{
    Json,
    extract::{Path, State},
};
use codex_core::{
    Role, Scope,
    assets::wire::AssetOut,
    companies::{
        Company,
        wire::{self, CompanyIn, CompanyOut, RenumberIn, Renumbered},
    },
    contacts::wire::ContactOut,
    locations::wire::LocationOut,
};
use serde_json::{Map, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::Caller,
    problem::{ErrorOut, Problem, ProblemOut},
};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_companies))
        .routes(routes!(get_company, update_company))
        .routes(routes!(get_company_alias))
        .routes(routes!(renumber_company))
        .routes(routes!(list_company_assets))
        .routes(routes!(list_company_contacts))
        .routes(routes!(list_company_users))
        .routes(routes!(list_company_locations))
}

fn out(company: &Company, scope: &Scope) -> CompanyOut {
    let out = CompanyOut::from(company);
    if scope.role() == Role::Client {
        out.for_client()
    } else {
        out
    }
}

/// The company of a path, and what the caller may see.
pub(super) async fn found(
    app: &App,
    caller: &Caller,
    account: &str,
) -> Result<(Scope, Company), Problem> {
    let scope = caller.scope(app.codex()).await?;
    let company = app.codex().company(&scope, account).await?;
    let company = company.ok_or_else(|| Problem::not_found("Company not found").flat())?;
    Ok((scope, company))
}

/// List all companies.
///
/// A bare array of every company that has an account number, by name. Query parameters are ignored.
#[utoipa::path(get, path = "/api/companies", tag = "companies", responses(
    (status = 200, description = "All companies that the caller may see", body = Vec<CompanyOut>),
    (status = 401, description = "No valid token", body = ProblemOut)))]
async fn list_companies(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<CompanyOut>>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let companies = app.codex().companies(&scope).await?;
    Ok(Json(
        companies
            .iter()
            .map(|company| out(company, &scope))
            .collect(),
    ))
}

/// Get one company.
#[utoipa::path(get, path = "/api/companies/{account_number}", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "The company", body = CompanyOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such company, or none that the caller may see", body = ErrorOut)))]
async fn get_company(
    State(app): State<App>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Json<CompanyOut>, Problem> {
    let (scope, company) = found(&app, &caller, &account).await?;
    Ok(Json(out(&company, &scope)))
}

/// Get one company, under the name that Brainhair and Archive call.
#[utoipa::path(get, path = "/api/company/{account_number}", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "The company", body = CompanyOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such company, or none that the caller may see", body = ErrorOut)))]
async fn get_company_alias(
    app: State<App>,
    caller: Caller,
    account: Path<String>,
) -> Result<Json<CompanyOut>, Problem> {
    get_company(app, caller, account).await
}

/// Correct a company by hand.
///
/// Only the keys that are sent change; null or an empty text blanks. What a person states wins over every
/// source until it is released, so that no sync takes it back.
#[utoipa::path(put, path = "/api/companies/{account_number}", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    request_body = CompanyIn,
    responses(
        (status = 200, description = "The company as it is now", body = CompanyOut),
        (status = 400, description = "A key that cannot be taken, by name", body = ErrorOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 403, description = "For technicians, administrators and services", body = ErrorOut),
        (status = 404, description = "No such company", body = ErrorOut),
        (status = 415, description = "No JSON", body = ProblemOut)))]
async fn update_company(
    State(app): State<App>,
    caller: Caller,
    Path(account): Path<String>,
    Json(body): Json<Map<String, Value>>,
) -> Result<Json<CompanyOut>, Problem> {
    let flat = |error: codex_core::Error| Problem::from(error).flat();
    let (scope, company) = found(&app, &caller, &account).await?;
    let author = caller.author(app.codex().now());
    let fields = wire::stated(body).map_err(flat)?;
    let edited = app
        .codex()
        .edit::<Company>(&scope, &author, company.id.0, fields);
    edited.await.map_err(flat)?;
    let (scope, company) = found(&app, &caller, &account).await?;
    Ok(Json(out(&company, &scope)))
}

/// Give a company another account number.
///
/// The old one leads to it for ever, and no sync takes the new one back. Vendors do not follow, nor does
/// what Ledger has stored under the old number.
#[utoipa::path(post, path = "/api/companies/{account_number}/renumber", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    request_body = RenumberIn,
    responses(
        (status = 200, description = "Done", body = Renumbered),
        (status = 400, description = "Not six digits", body = ErrorOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 403, description = "For administrators and services", body = ErrorOut),
        (status = 404, description = "No such company", body = ErrorOut),
        (status = 409, description = "Another company has the number, or had it", body = ErrorOut),
        (status = 415, description = "No JSON", body = ProblemOut),
        (status = 422, description = "A key is missing or unknown", body = ProblemOut)))]
async fn renumber_company(
    State(app): State<App>,
    caller: Caller,
    Path(account): Path<String>,
    Json(wanted): Json<RenumberIn>,
) -> Result<Json<Renumbered>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let author = caller.author(app.codex().now());
    let wanted = wanted.account_number.trim();
    let done = app
        .codex()
        .renumber_company(&scope, &author, &account, wanted)
        .await
        .map_err(|error| Problem::from(error).flat())?;
    let missing = || Problem::not_found("Company not found").flat();
    done.map(Json).ok_or_else(missing)
}

/// List a company's assets, by host name.
#[utoipa::path(get, path = "/api/companies/{account_number}/assets", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "Its assets", body = Vec<AssetOut>),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such company, or none that the caller may see", body = ErrorOut)))]
async fn list_company_assets(
    State(app): State<App>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Json<Vec<AssetOut>>, Problem> {
    let (scope, company) = found(&app, &caller, &account).await?;
    let level = company.compliance_level();
    let assets = app.codex().company_assets(&scope, company.id).await?;
    Ok(Json(
        assets
            .iter()
            .map(|asset| AssetOut::new(asset, level))
            .collect(),
    ))
}

/// List a company's contacts, by name; inactive ones too.
#[utoipa::path(get, path = "/api/companies/{account_number}/contacts", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "Its contacts", body = Vec<ContactOut>),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such company, or none that the caller may see", body = ErrorOut)))]
async fn list_company_contacts(
    State(app): State<App>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Json<Vec<ContactOut>>, Problem> {
    let (scope, company) = found(&app, &caller, &account).await?;
    let level = company.compliance_level();
    let contacts = app.codex().company_contacts(&scope, company.id).await?;
    Ok(Json(
        contacts
            .iter()
            .map(|contact| ContactOut::new(contact, level))
            .collect(),
    ))
}

/// List a company's contacts under their other name.
#[utoipa::path(get, path = "/api/companies/{account_number}/users", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "Its contacts", body = Vec<ContactOut>),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such company, or none that the caller may see", body = ErrorOut)))]
async fn list_company_users(
    app: State<App>,
    caller: Caller,
    account: Path<String>,
) -> Result<Json<Vec<ContactOut>>, Problem> {
    list_company_contacts(app, caller, account).await
}

/// List a company's locations.
#[utoipa::path(get, path = "/api/companies/{account_number}/locations", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "Its locations", body = Vec<LocationOut>),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such company, or none that the caller may see", body = ErrorOut)))]
async fn list_company_locations(
    State(app): State<App>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Json<Vec<LocationOut>>, Problem> {
    let (scope, company) = found(&app, &caller, &account).await?;
    let level = company.compliance_level();
    let locations = app.codex().company_locations(&scope, company.id).await?;
    Ok(Json(
        locations
            .iter()
            .map(|location| LocationOut::new(location, level))
            .collect(),
    ))
}
