//! Contacts across companies.

use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use codex_core::{contacts::wire::ContactOut, ids::ContactId};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::paging::ListParams;
use crate::{
    app::App,
    auth::Caller,
    forwarded::Forwarded,
    problem::{ErrorOut, Problem, ProblemOut},
};

const PATH: &str = "/api/contacts";

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_contacts))
        .routes(routes!(get_contact))
        .routes(routes!(get_contact_alias))
}

/// List contacts, a page at a time.
///
/// A bare array; the address of the next page is in the header `Link: <...>; rel="next"`.
#[utoipa::path(get, path = "/api/contacts", tag = "contacts", params(ListParams), responses(
    (status = 200, description = "A page", body = Vec<ContactOut>),
    (status = 400, description = "A parameter is wrong", body = ProblemOut),
    (status = 401, description = "No valid token", body = ProblemOut),
    (status = 404, description = "No such company", body = ErrorOut)))]
async fn list_contacts(
    State(app): State<App>,
    caller: Caller,
    forwarded: Forwarded,
    Query(params): Query<ListParams>,
) -> Result<Response, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let company = params.company(&app, &scope).await?;
    let page = app
        .codex()
        .contacts(&scope, company, &params.page()?)
        .await?;
    let out = |(contact, level): (_, String)| ContactOut::new(&contact, &level);
    Ok(params.answer(PATH, &forwarded, page, out))
}

/// Get one contact.
#[utoipa::path(get, path = "/api/contacts/{id}", tag = "contacts",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The contact", body = ContactOut),
        (status = 400, description = "The id is no number", body = ProblemOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such contact, or none that the caller may see", body = ErrorOut)))]
async fn get_contact(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<ContactOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    match app.codex().contact(&scope, ContactId(id)).await? {
        Some((contact, level)) => Ok(Json(ContactOut::new(&contact, &level))),
        None => Err(Problem::not_found("Contact not found").flat()),
    }
}

/// Get one contact, under the name that Brainhair calls.
#[utoipa::path(get, path = "/api/contact/{id}", tag = "contacts",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The contact", body = ContactOut),
        (status = 400, description = "The id is no number", body = ProblemOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such contact, or none that the caller may see", body = ErrorOut)))]
async fn get_contact_alias(
    app: State<App>,
    caller: Caller,
    id: Path<i64>,
) -> Result<Json<ContactOut>, Problem> {
    get_contact(app, caller, id).await
}
