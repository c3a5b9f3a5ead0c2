//! Companies and what belongs to one (contract 1.2.B).

use axum::{
    Json,
    http::{StatusCode, Uri},
    response::Response,
};
use codex_core::{
    BulkTickets,
    assets::{self, Asset, wire::AssetOut},
    bulk::BulkOut,
    companies::{
        COMPANY_NUMBER, COMPANY_NUMBERS, Company,
        query::LISTING,
        wire::{self, CompanyBundleOut, CompanyIn, CompanyOut, RenumberIn, Renumbered},
    },
    contacts::{self, query::ContactCompanies, wire::ContactOut},
    locations::{self, Location, wire::LocationOut},
};
use serde_json::{Map, Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    bulk_write::BulkParams,
    contacts::{Row, companies_of},
    download::streamed,
    paging::PageOfListParams,
    resource::{ApiList, ApiResource, Checked, NamedRecord, Names},
    writers::{FLAT, Who},
};
use crate::{
    app::App,
    auth::Call,
    http::{
        answer::{Answer, answer, no_content},
        body::{Body, BulkRows, NewBody},
        conditional::Versioned,
        created::Created,
        extract::{Path, Query},
        forwarded::Forwarded,
        problem::{ErrorOut, Problem, ProblemOut, flat},
    },
    legacy::{List, Params},
    openapi::errors::{
        Administrators, BulkErrors, CreateErrors, FindErrors, NotFound, Technicians, UpdateErrors,
    },
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("companies", "Client organisations, and what belongs to one")),
    writers: &[
        ("POST", "/api/companies", Who::Technicians, FLAT),
        ("POST", "/api/companies/bulk", Who::Technicians, FLAT),
        (
            "PUT",
            "/api/companies/{account_number}",
            Who::Technicians,
            FLAT,
        ),
        (
            "POST",
            "/api/companies/{account_number}/renumber",
            Who::Admins,
            FLAT,
        ),
        (
            "PUT",
            "/companies/{account_number}/update",
            Who::Technicians,
            FLAT,
        ),
    ],
    named: &[NamedRecord {
        part: "{account_number}",
        check: named,
    }],
    lists: &[
        ApiList::of::<Company>("/api/companies", &LISTING, None),
        ApiList::filtered("/api/companies/facets", &LISTING),
    ],
    ..ApiResource::of(routes)
};

/// Refuses a call for a record that is not there.
fn named<'c>(call: &'c Call, names: &'c Names) -> Checked<'c> {
    Box::pin(async move {
        company(call, names.text("account_number")).await?;
        Ok(())
    })
}

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_companies, create_company))
        .routes(routes!(bulk_companies, bulk_write_companies))
        .routes(routes!(get_company, update_company, delete_company))
        .routes(routes!(get_company_alias))
        .routes(routes!(renumber_company))
        .routes(routes!(list_company_assets))
        .routes(routes!(list_company_contacts))
        .routes(routes!(list_company_users))
        .routes(routes!(list_company_locations))
}

pub(crate) fn unknown() -> Problem {
    Problem::not_found("Company not found").flat()
}

/// The company of a path, by its account number or one that it had before.
pub(crate) async fn company(call: &Call, account: &str) -> Result<Company, Problem> {
    let company = call.codex.company(&call.scope, account).await?;
    company.ok_or_else(unknown)
}

/// List companies
///
/// Returns a bare array of all companies with an account number, by name. With `cursor`, `sort`, `q`, `fields`,
/// `total` or a column as parameter it is a page, and the header `Link: <...>; rel="next"` has the address of the
/// next page. `limit` alone and unknown parameters are ignored, unless the call asks for strict handling. Columns
/// filter as in `GET /api/contacts`.
#[utoipa::path(get, path = "/api/companies", tag = "companies", params(PageOfListParams), responses(
    (status = 200, description = "The companies that the caller may see", body = Vec<CompanyOut>)))]
async fn list_companies(call: Call, forwarded: Forwarded, uri: Uri) -> Result<Response, Problem> {
    let (codex, scope) = (&call.codex, &call.scope);
    let list = List::array(&call, &uri, &LISTING)?;
    let whole = codex.companies(scope);
    let page = codex.companies_page(scope, &list.page);
    let out = |company: Company| wire::seen_by(&company, scope);
    let answer = list.answer(scope, &forwarded, whole, page, |company| company, None, out);
    answer.await
}

/// Download all companies with their records
///
/// Each company has its assets, contacts and locations, and on request its tickets. The answer is streamed: one that
/// breaks off is incomplete.
#[utoipa::path(get, path = "/api/companies/bulk", tag = "companies",
    params(
        ("include_tickets" = Option<String>, Query, description = "`true` adds `tickets` to each", example = "true"),
        ("year" = Option<i32>, Query, description = "Only tickets last changed in this year (UTC)")),
    responses(
        (status = 200, description = "A bare array by name", body = Vec<CompanyBundleOut>)))]
async fn bulk_companies(call: Call, params: Params) -> Result<Response, Problem> {
    let wanted = params.flag("include_tickets")?.unwrap_or_default();
    let year = params.year()?;
    let tickets = wanted.then_some(BulkTickets { year });
    let download = call.codex.bulk(&call.scope, tickets).await?;
    Ok(streamed(download, "application/json"))
}

/// Get a company
///
/// A former account number finds the company too. The header `ETag` has the version, which `If-Match` expects on
/// update.
#[utoipa::path(get, path = "/api/companies/{account_number}", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "The company", body = CompanyOut),
        NotFound<ErrorOut>))]
async fn get_company(
    call: Call,
    Path(account): Path<String>,
) -> Result<Versioned<CompanyOut>, Problem> {
    let company = company(&call, &account).await?;
    let out = wire::seen_by(&company, &call.scope);
    Ok(Versioned(out, Some(company.updated_at)))
}

/// Get a company (legacy alias)
///
/// Same as `GET /api/companies/{account_number}`, under the address that Brainhair and Archive call.
#[utoipa::path(get, path = "/api/company/{account_number}", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 200, description = "The company", body = CompanyOut),
        NotFound<ErrorOut>))]
async fn get_company_alias(
    call: Call,
    account: Path<String>,
) -> Result<Versioned<CompanyOut>, Problem> {
    get_company(call, account).await
}

/// Create a company
///
/// Assigns a free account number unless you send one. Nothing is written to a vendor. If a vendor later states a
/// company with the same number, both become one record.
#[utoipa::path(post, path = "/api/companies", tag = "companies", request_body = CompanyIn, responses(
    (status = 201, description = "The new company", body = CompanyOut),
    CreateErrors<Technicians, ErrorOut>,
    (status = 409, description = "Another company has the number, or had it", body = ErrorOut)))]
async fn create_company(
    call: Call,
    forwarded: Forwarded,
    NewBody(company): NewBody<CompanyIn>,
) -> Result<Answer<Created<CompanyOut>>, Problem> {
    let made = call
        .codex
        .create_company(&call.scope, &call.author, &company);
    Ok(answer(made.await.map_err(flat)?, |company| {
        let out = wire::seen_by(&company, &call.scope);
        let number = out.account_number.clone();
        Created::new(&forwarded, "/api/companies", number, out)
    }))
}

/// Create or update up to 10,000 companies
///
/// A row with an account number is that company. A row without one creates a company. The answer has the result of
/// each row.
#[utoipa::path(post, path = "/api/companies/bulk", tag = "companies", params(BulkParams),
    request_body = Vec<CompanyIn>,
    responses(
        (status = 200, description = "What became of each row", body = BulkOut),
        BulkErrors<Technicians, ErrorOut>))]
async fn bulk_write_companies(
    call: Call,
    Query(params): Query<BulkParams>,
    BulkRows(rows): BulkRows,
) -> Result<Answer<Json<BulkOut>>, Problem> {
    let done = call.codex.bulk_write_companies(
        &call.scope,
        &call.author,
        params.action,
        params.atomic(),
        rows.into(),
    );
    Ok(answer(done.await.map_err(flat)?, Json))
}

/// Update a company
///
/// Only the keys that you send change. They become manual values, which win over every source until they are
/// released.
///
/// Null or an empty text blanks a value.
#[utoipa::path(put, path = "/api/companies/{account_number}", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    request_body = CompanyIn,
    responses(
        (status = 200, description = "The company as it is now", body = CompanyOut),
        UpdateErrors<Technicians, ErrorOut>))]
async fn update_company(
    call: Call,
    Path(account): Path<String>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Answer<Versioned<CompanyOut>>, Problem> {
    let company = company(&call, &account).await?;
    let own = company.fields.account_number.as_deref();
    let edit = CompanyIn::read_change(body, own).map_err(flat)?;
    let changed = call
        .codex
        .update_company(&call.scope, &call.author, &account, &edit);
    let changed = changed.await.map_err(flat)?.ok_or_else(unknown)?;
    Ok(answer(changed, |company| {
        let out = wire::seen_by(&company, &call.scope);
        Versioned(out, Some(company.updated_at))
    }))
}

/// Delete a company
///
/// No sync brings it back. `POST /api/deleted/company/{id}/restore` restores it.
#[utoipa::path(delete, path = "/api/companies/{account_number}", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    responses(
        (status = 204, description = "Deleted"),
        FindErrors<Technicians, ErrorOut>))]
async fn delete_company(
    call: Call,
    Path(account): Path<String>,
) -> Result<Answer<StatusCode>, Problem> {
    let found = call
        .codex
        .delete_company(&call.scope, &call.author, &account);
    Ok(no_content(found.await.map_err(flat)?.ok_or_else(unknown)?))
}

/// Renumber a company
///
/// The former number finds the company for ever, and no sync restores it. Vendors do not follow, nor does what Ledger
/// has stored under the former number.
#[utoipa::path(post, path = "/api/companies/{account_number}/renumber", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001")),
    request_body = RenumberIn,
    responses(
        (status = 200, description = "Done", body = Renumbered),
        FindErrors<Administrators, ErrorOut>,
        (status = 400, description = "Not six digits", body = ErrorOut),
        (status = 409, description = "Another company has the number, or had it", body = ErrorOut),
        (status = 422, description = "A key is missing or unknown", body = ProblemOut)))]
async fn renumber_company(
    call: Call,
    Path(account): Path<String>,
    Body(wanted): Body<RenumberIn>,
) -> Result<Answer<Json<Renumbered>>, Problem> {
    let wanted = wanted.account_number.trim();
    let done = call
        .codex
        .renumber_company(&call.scope, &call.author, &account, wanted);
    Ok(answer(done.await.map_err(flat)?.ok_or_else(unknown)?, Json))
}

/// List a company's assets
///
/// Returns all assets by host name. With `cursor`, `sort`, `q`, `fields`, `total` or a column as parameter the answer
/// is a page, as in `GET /api/companies`.
#[utoipa::path(get, path = "/api/companies/{account_number}/assets", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001"), PageOfListParams),
    responses(
        (status = 200, description = "Its assets", body = Vec<AssetOut>),
        NotFound<ErrorOut>))]
async fn list_company_assets(
    call: Call,
    Path(account): Path<String>,
    forwarded: Forwarded,
    uri: Uri,
) -> Result<Response, Problem> {
    let (codex, scope) = (&call.codex, &call.scope);
    let company = company(&call, &account).await?;
    let list = List::array(&call, &uri, &assets::query::LISTING)?;
    let whole = codex.company_assets(scope, company.id);
    let page = async {
        let page = codex.assets(scope, Some(company.id), &list.page).await?;
        Ok(page.map(|(asset, _)| asset))
    };
    let out = |asset: Asset| AssetOut::new(&asset, company.compliance_level());
    let number = |_: &Asset| json!(company.fields.account_number);
    let answer = list.answer(
        scope,
        &forwarded,
        whole,
        page,
        |asset| asset,
        Some((COMPANY_NUMBER, &number)),
        out,
    );
    answer.await
}

/// List a company's contacts
///
/// Returns all contacts by name, inactive contacts too. With `cursor`, `sort`, `q`, `fields`, `total` or a column as
/// parameter the answer is a page, as in `GET /api/companies`.
#[utoipa::path(get, path = "/api/companies/{account_number}/contacts", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001"), PageOfListParams),
    responses(
        (status = 200, description = "Its contacts", body = Vec<ContactOut>),
        NotFound<ErrorOut>))]
async fn list_company_contacts(
    call: Call,
    Path(account): Path<String>,
    forwarded: Forwarded,
    uri: Uri,
) -> Result<Response, Problem> {
    let (codex, scope) = (&call.codex, &call.scope);
    let company = company(&call, &account).await?;
    let list = List::array(&call, &uri, &contacts::query::LISTING)?;
    let whole = async {
        let whole = codex.company_contacts(scope, company.id).await?;
        let rows = whole.into_iter();
        Ok(rows
            .map(|contact| (contact, ContactCompanies::default()))
            .collect())
    };
    let page = codex.contacts(scope, Some(company.id), &list.page);
    let out = |(contact, _): Row| ContactOut::new(&contact, company.compliance_level());
    let answer = list.answer(
        scope,
        &forwarded,
        whole,
        page,
        |(contact, _)| contact,
        Some((COMPANY_NUMBERS, &companies_of)),
        out,
    );
    answer.await
}

/// List a company's contacts (legacy alias)
///
/// Same as `GET /api/companies/{account_number}/contacts`, under the address that KnowledgeTree calls.
#[utoipa::path(get, path = "/api/companies/{account_number}/users", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001"), PageOfListParams),
    responses(
        (status = 200, description = "Its contacts", body = Vec<ContactOut>),
        NotFound<ErrorOut>))]
async fn list_company_users(
    call: Call,
    account: Path<String>,
    forwarded: Forwarded,
    uri: Uri,
) -> Result<Response, Problem> {
    list_company_contacts(call, account, forwarded, uri).await
}

/// List a company's locations
///
/// Returns all locations, oldest first. With `cursor`, `sort`, `q`, `fields`, `total` or a column as parameter the
/// answer is a page, as in `GET /api/companies`.
#[utoipa::path(get, path = "/api/companies/{account_number}/locations", tag = "companies",
    params(("account_number" = String, Path, description = "Account number", example = "100001"), PageOfListParams),
    responses(
        (status = 200, description = "Its locations", body = Vec<LocationOut>),
        NotFound<ErrorOut>))]
async fn list_company_locations(
    call: Call,
    Path(account): Path<String>,
    forwarded: Forwarded,
    uri: Uri,
) -> Result<Response, Problem> {
    let (codex, scope) = (&call.codex, &call.scope);
    let company = company(&call, &account).await?;
    let list = List::array(&call, &uri, &locations::query::LISTING)?;
    let whole = codex.company_locations(scope, company.id);
    let page = codex.company_locations_page(scope, company.id, &list.page);
    let out = |location: Location| LocationOut::new(&location, company.compliance_level());
    let number = |_: &Location| json!(company.fields.account_number);
    let answer = list.answer(
        scope,
        &forwarded,
        whole,
        page,
        |location| location,
        Some((COMPANY_NUMBER, &number)),
        out,
    );
    answer.await
}
