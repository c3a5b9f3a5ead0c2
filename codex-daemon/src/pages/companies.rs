//! Pages of companies (contract 5.2).

mod detail;
mod edit;
mod list;
#[cfg(test)]
pub(super) mod samples;
mod tabs;

use axum::{
    http::{StatusCode, Uri, header::LOCATION},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use codex_core::{
    Error,
    address::segment,
    claims::ClaimedResource,
    companies::{Company, CompanyFields, CompanyIn, query::LISTING},
    list::ListedResource,
    records::{Author, Intent, RecordBody as _},
};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;

use self::{
    detail::CompanyView,
    edit::{CompanyFormView, DeleteView},
    list::CompanyListView,
    tabs::DetailQuery,
};
use super::{
    facets::facet_views,
    form::SentForm,
    shell::page,
    views::{self, Opening, ViewsView},
    visit::{Editor, Visit},
};
use crate::{
    app::App,
    http::{extract::Path, forwarded::Forwarded, problem::Problem},
};

const LIST: &str = "/companies/";
const CHANGING: &str = "changing companies";
/// Why an action is missing on the pages of staff.
const EDITORS: &str = "Only technicians and administrators change companies.";

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/companies", get(to_list))
        .route(LIST, get(list_companies))
        .route("/companies/new", get(new_company).post(create_company))
        .route("/companies/{account_number}", get(show_company))
        .route(
            "/companies/{account_number}/edit",
            get(edit_company).post(update_company),
        )
        .route(
            "/companies/{account_number}/delete",
            get(confirm_delete).post(delete_company),
        )
        .route(
            "/companies/{account_number}/release/{field}",
            post(release_field),
        )
}

/// The path of a company's page.
fn path_of(company: &Company) -> String {
    let number = company.fields.account_number.as_deref();
    format!("{LIST}{}", segment(number.unwrap_or_default()))
}

/// The notice of what was just done, from a word in the address.
fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "created" => Some("The company was created."),
        "saved" => Some("The company was saved."),
        "unchanged" => Some("Nothing was changed."),
        "deleted" => Some("The company was deleted."),
        "released" => Some("The manual value was released: the field follows the sources again."),
        _ => None,
    }
}

fn redirect(at: &Forwarded, path: &str, done: &str) -> Response {
    Redirect::to(&at.link(&format!("{path}?done={done}"))).into_response()
}

fn unknown() -> Problem {
    Problem::not_found("There is no company with this account number, or none that you may see.")
}

/// The company of a path, by its account number or one that it had before.
async fn company(visit: &Visit, account: &str) -> Result<Company, Problem> {
    let company = visit.call.codex.company(visit.scope(), account).await?;
    company.ok_or_else(unknown)
}

/// The author of a change that requires the record to be as the person has seen it.
fn author(visit: &Visit, version: DateTime<Utc>) -> Author {
    Author {
        unchanged_since: Some(version),
        ..visit.call.author.clone()
    }
}

async fn to_list(at: Forwarded, uri: Uri) -> Response {
    let query = uri.query().map(|query| format!("?{query}"));
    let target = at.link(LIST) + &query.unwrap_or_default();
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, target)]).into_response()
}

async fn list_companies(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let list = ListedResource::Companies;
    let (asked, opened) = match views::open(&visit, list, LIST, &uri, &LISTING).await? {
        Opening::List(asked, opened) => (asked, opened),
        Opening::Elsewhere(target) => return Ok(Redirect::to(&target).into_response()),
    };
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let request = asked.request()?;
    let found = codex.companies_page(scope, &request).await?;
    let facets = codex.facets(scope, list, None, &request, &[]).await?;
    let unnumbered = if scope.companies().is_none() {
        codex.companies_without_number(scope).await?.0
    } else {
        0
    };
    let facets = facet_views(&visit.at, &LISTING, &asked, facets);
    let token = visit.csrf.token();
    let views = ViewsView::new(&visit.at, scope, &LISTING, &asked, &opened, token);
    let view = CompanyListView::new(&visit.at, scope, &asked, &found, unnumbered);
    page(StatusCode::OK, &view.with(facets, views))
}

async fn show_company(
    visit: Visit,
    Path(account): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = DetailQuery::read(&uri)?;
    let company = company(&visit, &account).await?;
    let content = tabs::content(&visit, &company, &query).await?;
    let view = CompanyView::new(&visit.at, visit.scope(), &company, &query, content);
    page(StatusCode::OK, &view)
}

async fn new_company(visit: Visit) -> Result<Response, Problem> {
    visit.scope().require_technician(CHANGING)?;
    let token = visit.csrf.token();
    let view = CompanyFormView::of_new(&visit.at, visit.scope(), token);
    page(StatusCode::OK, &view)
}

async fn create_company(Editor(visit): Editor, sent: SentForm) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let created = match edit::stated_new(&sent) {
        Ok(stated) => created(&visit, stated).await,
        Err(faults) => Err(Error::Unprocessable(faults)),
    };
    match created {
        Ok(company) => Ok(redirect(&visit.at, &path_of(&company), "created")),
        Err(error) => {
            let token = visit.csrf.token();
            let mut view = CompanyFormView::of_new(&visit.at, visit.scope(), token);
            let status = view.refuse(&sent, error)?;
            page(status, &view)
        }
    }
}

async fn edit_company(visit: Visit, Path(account): Path<String>) -> Result<Response, Problem> {
    visit.scope().require_technician(CHANGING)?;
    let company = company(&visit, &account).await?;
    let token = visit.csrf.token();
    let view = CompanyFormView::of(&visit.at, visit.scope(), &company, token);
    page(StatusCode::OK, &view)
}

async fn update_company(
    Editor(visit): Editor,
    Path(account): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let version = sent.version()?;
    let before = company(&visit, &account).await?;
    let updated = match sent.changes(CompanyFields::FIELDS) {
        Ok(stated) if stated.is_empty() => {
            return Ok(redirect(&visit.at, &path_of(&before), "unchanged"));
        }
        Ok(stated) => updated(&visit, &account, version, stated).await,
        Err(faults) => Err(Error::Unprocessable(faults)),
    };
    match updated {
        Ok(Some(company)) => Ok(redirect(&visit.at, &path_of(&company), "saved")),
        Ok(None) => Err(unknown()),
        Err(error) => {
            // The record may have changed: the form continues from what is stored.
            let company = company(&visit, &account).await?;
            let token = visit.csrf.token();
            let mut view = CompanyFormView::of(&visit.at, visit.scope(), &company, token);
            let status = view.refuse(&sent, error)?;
            page(status, &view)
        }
    }
}

async fn confirm_delete(visit: Visit, Path(account): Path<String>) -> Result<Response, Problem> {
    visit.scope().require_technician(CHANGING)?;
    let company = company(&visit, &account).await?;
    let view = DeleteView::new(&visit.at, &company, visit.csrf.token());
    page(StatusCode::OK, &view)
}

async fn delete_company(
    Editor(visit): Editor,
    Path(account): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    if deleted(&visit, &account, sent.version()?).await? {
        Ok(redirect(&visit.at, LIST, "deleted"))
    } else {
        Err(unknown())
    }
}

async fn release_field(
    Editor(visit): Editor,
    Path((account, field)): Path<(String, String)>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let company = company(&visit, &account).await?;
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let resource = ClaimedResource::Companies;
    let released = codex.release_claim(visit.scope(), author, resource, &account, &field);
    released.await?;
    Ok(redirect(&visit.at, &path_of(&company), "released"))
}

/// Creates a company of stated fields.
async fn created(visit: &Visit, stated: Map<String, Value>) -> codex_core::Result<Company> {
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let company = CompanyIn::read(stated, Intent::Create)?;
    codex.create_company(visit.scope(), author, &company).await
}

/// Updates the stated fields of a company.
async fn updated(
    visit: &Visit,
    account: &str,
    version: DateTime<Utc>,
    stated: Map<String, Value>,
) -> codex_core::Result<Option<Company>> {
    let (codex, author) = (&visit.call.codex, author(visit, version));
    let edit = CompanyIn::read(stated, Intent::Update)?;
    let updated = codex.update_company(visit.scope(), &author, account, &edit);
    updated.await
}

/// Deletes a company; `false` when there is none.
async fn deleted(visit: &Visit, account: &str, version: DateTime<Utc>) -> codex_core::Result<bool> {
    let (codex, author) = (&visit.call.codex, author(visit, version));
    let deleted = codex.delete_company(visit.scope(), &author, account);
    deleted.await
}
