//! What pages fetch and send: tables by page number, and edits from forms of JSON (contract 1.2.J). Not part of
//! the public description.

use axum::Json;
use codex_core::{
    Outcome,
    assets::wire::{AssetIn, AssetRow},
    companies::{
        Company,
        wire::{CompanyAndOverridesIn, CompanyIn, CompanyRow},
    },
    contacts::wire::{ContactIn, ContactRow},
    ids::{AssetId, ContactId, LocationId},
    list::{TablePage, TableRows},
    locations::{
        Location,
        wire::{LocationIn, LocationOut},
    },
    records::{Intent, RecordBody as _},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::PageSet;
use crate::{
    api::{
        companies::{self, company},
        locations,
    },
    app::App,
    auth::Call,
    http::{
        answer::{Answer, answer},
        body::{Body, UpdateBody},
        extract::Path,
        problem::{ErrorOut, Problem, flat},
    },
    legacy::Params,
    openapi::errors::{FindErrors, Forbidden, NotFound, NotServices, Technicians, UpdateErrors},
};

/// Rows of a page, when nothing else is asked for, and at most (contract 1.2.J).
const PER_PAGE: i64 = 50;
const MAX_PER_PAGE: i64 = 500;
/// The last page that can be asked for.
const MAX_PAGE: i64 = 1_000_000_000;

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::of(None, routes);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(search_companies))
        .routes(routes!(search_contacts))
        .routes(routes!(search_assets))
        .routes(routes!(list_locations, add_location))
        .routes(routes!(edit_location, remove_location))
        .routes(routes!(edit_company))
        .routes(routes!(edit_contact))
        .routes(routes!(edit_asset_contacts))
}

/// Which page of a table. Values that cannot be read count as not sent.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what `page` reads")]
struct TableParams {
    /// From 1.
    page: Option<i64>,
    /// Rows of a page, 50 when not given, 500 at most.
    per_page: Option<i64>,
    /// A column; an unknown one is ignored.
    sort_by: Option<String>,
    /// `desc` for the largest first.
    order: Option<String>,
    /// A part of the text to find.
    search: Option<String>,
    /// `1` shows inactive contacts too.
    show_inactive: Option<String>,
}

/// Where in a table a page is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Pagination {
    /// Whether a page follows.
    has_next: bool,
    /// Whether a page precedes.
    has_prev: bool,
    /// Number of the next page; null on the last.
    next_num: Option<i64>,
    /// Number of this page.
    page: i64,
    /// Number of pages.
    pages: i64,
    /// Number of the previous page; null on the first.
    prev_num: Option<i64>,
    /// Number of rows on all pages.
    total: i64,
}

impl Pagination {
    fn new(page: &TablePage, total: i64) -> Self {
        let pages = (total + page.per_page - 1) / page.per_page;
        let (has_next, has_prev) = (page.page < pages, page.page > 1);
        Self {
            has_next,
            has_prev,
            next_num: has_next.then_some(page.page + 1),
            page: page.page,
            pages,
            prev_num: has_prev.then_some(page.page - 1),
            total,
        }
    }
}

/// A page of companies.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct CompaniesPage {
    /// Rows of this page.
    companies: Vec<CompanyRow>,
    /// Place of this page.
    pagination: Pagination,
    /// Always true: errors have other bodies.
    success: bool,
}

/// A page of contacts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct ContactsPage {
    /// Rows of this page.
    contacts: Vec<ContactRow>,
    /// Place of this page.
    pagination: Pagination,
    /// Always true: errors have other bodies.
    success: bool,
}

/// A page of assets.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct AssetsPage {
    /// Rows of this page.
    assets: Vec<AssetRow>,
    /// Place of this page.
    pagination: Pagination,
    /// Always true: errors have other bodies.
    success: bool,
}

/// A successful change.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Done {
    /// What was done.
    message: String,
    /// Always true: errors have other bodies.
    success: bool,
}

/// A company's locations.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct LocationsPage {
    /// All locations, oldest first.
    locations: Vec<LocationOut>,
    /// Always true: errors have other bodies.
    success: bool,
}

/// A location that was created or updated.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct LocationSaved {
    /// The location.
    location: LocationOut,
    /// Always true: errors have other bodies.
    success: bool,
}

fn done(what: &str) -> Json<Done> {
    Json(Done {
        message: format!("{what} updated successfully"),
        success: true,
    })
}

/// Tables are for people.
fn page(call: &Call, params: &Params) -> Result<TablePage, Problem> {
    if !call.caller.is_user() {
        return Err(Problem::forbidden("This endpoint is for users only").flat());
    }
    let per_page = params.within("per_page", 0, MAX_PER_PAGE)?;
    Ok(TablePage {
        page: params.within("page", 1, MAX_PAGE)?.unwrap_or(1),
        per_page: per_page.filter(|rows| *rows >= 1).unwrap_or(PER_PAGE),
        sort_by: params.word("sort_by").map(str::to_owned),
        descending: params.word("order") == Some("desc"),
        search: params.word("search").map(str::to_owned),
        inactive: params.word("show_inactive") == Some("1"),
    })
}

/// Get a page of the table of companies
///
/// `search` finds rows by any part of their text.
#[utoipa::path(get, path = "/companies/api/search", tag = "tables", params(TableParams), responses(
    (status = 200, description = "A page", body = CompaniesPage),
    Forbidden<NotServices, ErrorOut>))]
async fn search_companies(call: Call, params: Params) -> Result<Json<CompaniesPage>, Problem> {
    let page = page(&call, &params)?;
    let TableRows { rows, total } = call.codex.company_table(&call.scope, &page).await?;
    Ok(Json(CompaniesPage {
        companies: rows,
        pagination: Pagination::new(&page, total),
        success: true,
    }))
}

/// Get a page of the table of contacts
///
/// `search` finds rows by any part of their text. Inactive contacts need `show_inactive=1`.
#[utoipa::path(get, path = "/contacts/api/search", tag = "tables", params(TableParams), responses(
    (status = 200, description = "A page", body = ContactsPage),
    Forbidden<NotServices, ErrorOut>))]
async fn search_contacts(call: Call, params: Params) -> Result<Json<ContactsPage>, Problem> {
    let page = page(&call, &params)?;
    let TableRows { rows, total } = call.codex.contact_table(&call.scope, &page).await?;
    Ok(Json(ContactsPage {
        contacts: rows,
        pagination: Pagination::new(&page, total),
        success: true,
    }))
}

/// Get a page of the table of assets
///
/// `search` finds rows by any part of their text.
#[utoipa::path(get, path = "/assets/api/search", tag = "tables", params(TableParams), responses(
    (status = 200, description = "A page", body = AssetsPage),
    Forbidden<NotServices, ErrorOut>))]
async fn search_assets(call: Call, params: Params) -> Result<Json<AssetsPage>, Problem> {
    let page = page(&call, &params)?;
    let TableRows { rows, total } = call.codex.asset_table(&call.scope, &page).await?;
    Ok(Json(AssetsPage {
        assets: rows,
        pagination: Pagination::new(&page, total),
        success: true,
    }))
}

/// List a company's locations for its page
///
/// Returns all locations, oldest first.
#[utoipa::path(get, path = "/companies/{account_number}/locations", tag = "tables",
    params(("account_number" = String, Path, description = "Account number")),
    responses(
        (status = 200, description = "Its locations", body = LocationsPage),
        NotFound<ErrorOut>))]
async fn list_locations(
    call: Call,
    Path(account): Path<String>,
) -> Result<Json<LocationsPage>, Problem> {
    let company = company(&call, &account).await?;
    let level = company.compliance_level();
    let own = call
        .codex
        .company_locations(&call.scope, company.id)
        .await?;
    Ok(Json(LocationsPage {
        locations: own
            .iter()
            .map(|location| LocationOut::new(location, level))
            .collect(),
        success: true,
    }))
}

/// A location to add.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body that core reads")]
struct NewLocationIn {
    /// Name.
    #[schema(example = "Main Office", pattern = r"\S")]
    name: String,
    /// Postal address, one text.
    #[schema(pattern = r"\S")]
    address: String,
    /// Telephone number.
    phone_number: Option<String>,
}

/// Add a location to a company
///
/// Returns 200, as older pages expect.
#[utoipa::path(post, path = "/companies/{account_number}/locations", tag = "tables",
    params(("account_number" = String, Path, description = "Account number")),
    request_body = NewLocationIn,
    responses(
        (status = 200, description = "Added", body = LocationSaved),
        UpdateErrors<Technicians, ErrorOut>,
        (status = 400, description = "A name and an address are needed", body = ErrorOut)))]
async fn add_location(
    call: Call,
    Path(account): Path<String>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Answer<Json<LocationSaved>>, Problem> {
    let company = company(&call, &account).await?;
    call.scope
        .require_technician("adding locations")
        .map_err(flat)?;
    let said = |key: &str| {
        body.get(key)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.trim().is_empty())
    };
    if !said("name") || !said("address") {
        return Err(Problem::bad_request("Name and address are required").flat());
    }
    let location = LocationIn::read(body, Intent::Create).map_err(flat)?;
    let made = call
        .codex
        .create_location(&call.scope, &call.author, &company, &location);
    Ok(answer(made.await.map_err(flat)?, |location| {
        saved(&location, &company)
    }))
}

/// Update a location from a page
///
/// Only the keys that you send change.
#[utoipa::path(put, path = "/companies/{account_number}/locations/{id}", tag = "tables",
    params(("account_number" = String, Path, description = "Account number"),
        ("id" = i64, Path, description = "Id")),
    request_body = LocationIn,
    responses(
        (status = 200, description = "Corrected", body = LocationSaved),
        UpdateErrors<Technicians, ErrorOut>))]
async fn edit_location(
    call: Call,
    Path((account, id)): Path<(String, i64)>,
    UpdateBody(edit): UpdateBody<LocationIn>,
) -> Result<Answer<Json<LocationSaved>>, Problem> {
    let company = company(&call, &account).await?;
    let edited =
        call.codex
            .update_location(&call.scope, &call.author, &company, LocationId(id), &edit);
    let edited = edited.await.map_err(flat)?.ok_or_else(locations::unknown)?;
    Ok(answer(edited, |location| saved(&location, &company)))
}

fn saved(location: &Location, company: &Company) -> Json<LocationSaved> {
    Json(LocationSaved {
        location: LocationOut::new(location, company.compliance_level()),
        success: true,
    })
}

/// Delete a location from a page
///
/// The location must belong to the company.
#[utoipa::path(delete, path = "/companies/{account_number}/locations/{id}", tag = "tables",
    params(("account_number" = String, Path, description = "Account number"),
        ("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "Deleted", body = Done),
        FindErrors<Technicians, ErrorOut>))]
async fn remove_location(
    call: Call,
    Path((account, id)): Path<(String, i64)>,
) -> Result<Answer<Json<Done>>, Problem> {
    let company = company(&call, &account).await?;
    let deleted = call
        .codex
        .delete_location(&call.scope, &call.author, &company, LocationId(id));
    let deleted = deleted
        .await
        .map_err(flat)?
        .ok_or_else(locations::unknown)?;
    Ok(answer(deleted, |()| {
        Json(Done {
            message: "Location deleted successfully".into(),
            success: true,
        })
    }))
}

/// Update a company and its overrides
///
/// `feature_overrides` replaces all overrides: keys that are absent or have an empty value are deleted.
#[utoipa::path(put, path = "/companies/{account_number}/update", tag = "tables",
    params(("account_number" = String, Path, description = "Account number")),
    request_body = CompanyIn,
    responses(
        (status = 200, description = "Changed", body = Done),
        UpdateErrors<Technicians, ErrorOut>))]
async fn edit_company(
    call: Call,
    Path(account): Path<String>,
    Body(mut body): Body<Map<String, Value>>,
) -> Result<Answer<Json<Done>>, Problem> {
    let company = company(&call, &account).await?;
    let edited = match body.remove("feature_overrides") {
        None => {
            let own = company.fields.account_number.as_deref();
            let edit = CompanyIn::read_change(body, own).map_err(flat)?;
            let edited = call
                .codex
                .update_company(&call.scope, &call.author, &account, &edit);
            let edited = edited.await.map_err(flat)?.ok_or_else(companies::unknown)?;
            edited.map(drop)
        }
        Some(overrides) => {
            // Judged before the body, as everywhere.
            let who = call.scope.require_billing("agreeing prices and features");
            who.map_err(flat)?;
            let own = company.fields.account_number.as_deref();
            let edit = CompanyAndOverridesIn::read(body, overrides, own).map_err(flat)?;
            let (codex, author) = (&call.codex, &call.author);
            let edited = codex.update_company_and_overrides(&call.scope, author, &company, &edit);
            edited.await.map_err(flat)?
        }
    };
    Ok(answer(edited, |()| done("Company")))
}

/// Update a contact from a page
///
/// Lists that you send replace the whole list.
#[utoipa::path(put, path = "/contacts/{id}/update", tag = "tables",
    params(("id" = i64, Path, description = "Id")),
    request_body = ContactIn,
    responses(
        (status = 200, description = "Changed", body = Done),
        UpdateErrors<Technicians, ErrorOut>))]
async fn edit_contact(
    call: Call,
    Path(id): Path<i64>,
    UpdateBody(edit): UpdateBody<ContactIn>,
) -> Result<Answer<Json<Done>>, Problem> {
    let edited = call
        .codex
        .update_contact(&call.scope, &call.author, ContactId(id), &edit);
    let unknown = || Problem::not_found("Contact not found").flat();
    let edited = edited.await.map_err(flat)?.ok_or_else(unknown)?;
    Ok(answer(edited, |()| done("Contact")))
}

/// Set the users of an asset
///
/// `contact_ids` replaces all of them. Other keys change nothing.
#[utoipa::path(put, path = "/assets/{id}/update-contacts", tag = "tables",
    params(("id" = i64, Path, description = "Id")),
    request_body = AssetIn,
    responses(
        (status = 200, description = "Changed", body = Done),
        UpdateErrors<Technicians, ErrorOut>))]
async fn edit_asset_contacts(
    call: Call,
    Path(id): Path<i64>,
    Body(mut body): Body<Map<String, Value>>,
) -> Result<Answer<Json<Done>>, Problem> {
    call.scope
        .require_technician("assigning assets")
        .map_err(flat)?;
    let id = AssetId(id);
    let unknown = || Problem::not_found("Asset not found").flat();
    if call.codex.asset(&call.scope, id).await?.is_none() {
        return Err(unknown());
    }
    if body.is_empty() {
        return Err(Problem::bad_request("body: states no field").flat());
    }
    let contacts = body.remove("contact_ids").unwrap_or_default();
    let edited = if contacts.is_null() {
        Outcome::Applied(())
    } else {
        let body = Map::from_iter([("contact_ids".to_owned(), contacts)]);
        let edit = AssetIn::read(body, Intent::Update).map_err(flat)?;
        let edited = call
            .codex
            .update_asset(&call.scope, &call.author, id, &edit);
        edited.await.map_err(flat)?.ok_or_else(unknown)?
    };
    Ok(answer(edited, |()| done("Asset contacts")))
}
