//! Contacts across companies.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use codex_core::{
    WholeList,
    bulk::BulkOut,
    companies::COMPANY_NUMBERS,
    contacts::{
        Contact,
        query::{ContactCompanies, LISTING},
        wire::{ContactBulkIn, ContactIn, ContactOut},
    },
    ids::ContactId,
    list::StaffFields as _,
};
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    bulk_write::BulkParams,
    download::streamed,
    paging::{ListParams, ListQuery, PageOfListParams, beside, with_total},
    resource::{ApiList, ApiResource, Checked, NamedRecord, Names},
    writers::{FLAT, Who},
};
use crate::{
    app::App,
    auth::{Call, Caller},
    http::{
        answer::{Answer, answer, answer_with, no_content},
        body::{BulkRows, NewBody, UpdateBody},
        conditional::Versioned,
        created::Created,
        extract::{Path, Query},
        forwarded::Forwarded,
        problem::{ErrorOut, Problem, flat},
    },
    openapi::errors::{BulkErrors, CreateErrors, FindErrors, NotFound, Technicians, UpdateErrors},
};

const PATH: &str = "/api/contacts";

/// A contact of a list.
pub(super) type Row = (Contact, ContactCompanies);

/// The account numbers of the companies of a contact that the caller sees.
pub(super) fn companies_of((_, companies): &Row) -> Value {
    json!(companies.account_numbers)
}

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("contacts", "People at the companies")),
    writers: &[
        ("POST", "/api/contacts", Who::Technicians, FLAT),
        ("POST", "/api/contacts/bulk", Who::Technicians, FLAT),
        ("PUT", "/api/contacts/{id}", Who::Technicians, FLAT),
        ("PUT", "/contacts/{id}/update", Who::Technicians, FLAT),
    ],
    named: &[NamedRecord {
        part: "/contacts/{id}",
        check: named,
    }],
    lists: &[
        ApiList::of::<Contact>(PATH, &LISTING, Some(COMPANY_NUMBERS)),
        ApiList::of::<Contact>(
            "/api/companies/{account_number}/contacts",
            &LISTING,
            Some(COMPANY_NUMBERS),
        ),
        ApiList::of::<Contact>(
            "/api/companies/{account_number}/users",
            &LISTING,
            Some(COMPANY_NUMBERS),
        ),
        ApiList::filtered("/api/contacts/facets", &LISTING),
    ],
    ..ApiResource::of(routes)
};

/// Refuses a call for a record that is not there.
fn named<'c>(call: &'c Call, names: &'c Names) -> Checked<'c> {
    Box::pin(async move {
        if let Some(id) = names.id() {
            contact_now(call, ContactId(id)).await?;
        }
        Ok(())
    })
}

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_contacts, create_contact))
        .routes(routes!(bulk_write_contacts))
        .routes(routes!(get_contact, update_contact, delete_contact))
        .routes(routes!(get_contact_alias))
}

/// List contacts
///
/// Returns a bare array. Without `limit` and `cursor` it is the whole list, streamed: an answer that breaks off is
/// incomplete. With one of them it is a page, and the header `Link: <...>; rel="next"` has the address of the next
/// page.
///
/// Columns filter the list: `name=` ignores case, `name__exact=` does not. Further operators are `__ne`, `__in`,
/// `__lt`, `__lte`, `__gt`, `__gte`, `__contains`, `__startswith` and `__isnull`; each column lists its own as
/// parameters. Put a value of `__in` that holds a comma in double quotes. `fields=id,name` returns these fields of
/// each record only. Unknown columns return 400.
#[utoipa::path(get, path = "/api/contacts", tag = "contacts", params(ListParams, PageOfListParams), responses(
    (status = 200, description = "A page", body = Vec<ContactOut>),
    NotFound<ErrorOut>))]
async fn list_contacts(
    State(app): State<App>,
    caller: Caller,
    forwarded: Forwarded,
    mut query: ListQuery,
) -> Result<Response, Problem> {
    let scope = caller.scope(app.codex()).await?;
    query.require_fields::<ContactOut>(&scope, &Contact::staff_names(), Some(COMPANY_NUMBERS))?;
    let company = query.company(&app, &scope).await?;
    let page = app.codex().contacts(&scope, company, &query.page).await?;
    let whole = query.is_whole() && page.next.is_some();
    let request = query.page.clone();
    let own = scope.clone();
    let beside = move |row: &Row| beside(&own, row, &row.0, Some((COMPANY_NUMBERS, &companies_of)));
    let out = |(contact, companies): Row| ContactOut::new(&contact, companies.compliance_level);
    if !whole {
        return Ok(query.answer(PATH, &forwarded, page, beside, out));
    }
    let out = move |row| query.shown(row, &beside, out);
    let all = app.codex().all_contacts(&scope, company, &request, out);
    let WholeList { download, total } = all.await?;
    let total = i64::try_from(total).ok();
    Ok(with_total(streamed(download, "application/json"), total))
}

/// Get a contact
///
/// The header `ETag` has the version, which `If-Match` expects on update.
#[utoipa::path(get, path = "/api/contacts/{id}", tag = "contacts",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The contact", body = ContactOut),
        NotFound<ErrorOut>))]
async fn get_contact(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Versioned<ContactOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    match app.codex().contact(&scope, ContactId(id)).await? {
        Some((contact, level)) => Ok(Versioned(
            ContactOut::new(&contact, level),
            Some(contact.updated_at),
        )),
        None => Err(Problem::not_found("Contact not found").flat()),
    }
}

/// Get a contact (legacy alias)
///
/// Same as `GET /api/contacts/{id}`, under the address that Brainhair calls.
#[utoipa::path(get, path = "/api/contact/{id}", tag = "contacts",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The contact", body = ContactOut),
        NotFound<ErrorOut>))]
async fn get_contact_alias(
    app: State<App>,
    caller: Caller,
    id: Path<i64>,
) -> Result<Versioned<ContactOut>, Problem> {
    get_contact(app, caller, id).await
}

async fn contact_now(call: &Call, id: ContactId) -> Result<Versioned<ContactOut>, Problem> {
    let found = call.codex.contact(&call.scope, id).await?;
    let (contact, level) = found.ok_or_else(unknown)?;
    let out = ContactOut::new(&contact, level);
    Ok(Versioned(out, Some(contact.updated_at)))
}

fn unknown() -> Problem {
    Problem::not_found("Contact not found").flat()
}

/// Create a contact
///
/// `company_account_numbers` are its companies. A person's values win over every source until they are released.
#[utoipa::path(post, path = "/api/contacts", tag = "contacts", request_body = ContactIn, responses(
    (status = 201, description = "The new contact", body = ContactOut),
    CreateErrors<Technicians, ErrorOut>,
    (status = 400, description = "A record that the body names is not there", body = ErrorOut)))]
async fn create_contact(
    call: Call,
    forwarded: Forwarded,
    NewBody(contact): NewBody<ContactIn>,
) -> Result<Answer<Created<ContactOut>>, Problem> {
    let made = call
        .codex
        .create_contact(&call.scope, &call.author, &contact);
    let made = made.await.map_err(flat)?;
    let created = |id| async move {
        let out = contact_now(&call, id).await?.0;
        Ok(Created::new(&forwarded, PATH, id, out))
    };
    answer_with(made, created).await
}

/// Create or update up to 10,000 contacts
///
/// A row with an id is that contact. A row without an id creates a contact. With `action=upsert`, the default, it
/// updates the one contact that has the same e-mail address. The answer has the result of each row.
#[utoipa::path(post, path = "/api/contacts/bulk", tag = "contacts", params(BulkParams),
    request_body = Vec<ContactBulkIn>,
    responses(
        (status = 200, description = "What became of each row", body = BulkOut),
        BulkErrors<Technicians, ErrorOut>))]
async fn bulk_write_contacts(
    call: Call,
    Query(params): Query<BulkParams>,
    BulkRows(rows): BulkRows,
) -> Result<Answer<Json<BulkOut>>, Problem> {
    let done = call.codex.bulk_write_contacts(
        &call.scope,
        &call.author,
        params.action,
        params.atomic(),
        rows.into(),
    );
    Ok(answer(done.await.map_err(flat)?, Json))
}

/// Update a contact
///
/// Only the keys that you send change. They become manual values, which win over every source until they are
/// released.
#[utoipa::path(put, path = "/api/contacts/{id}", tag = "contacts", request_body = ContactIn,
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The contact as it is now", body = ContactOut),
        UpdateErrors<Technicians, ErrorOut>))]
async fn update_contact(
    call: Call,
    Path(id): Path<i64>,
    UpdateBody(edit): UpdateBody<ContactIn>,
) -> Result<Answer<Versioned<ContactOut>>, Problem> {
    let id = ContactId(id);
    let changed = call
        .codex
        .update_contact(&call.scope, &call.author, id, &edit);
    let changed = changed.await.map_err(flat)?.ok_or_else(unknown)?;
    answer_with(changed, |()| contact_now(&call, id)).await
}

/// Delete a contact
///
/// No sync brings it back. `POST /api/deleted/contact/{id}/restore` restores it.
#[utoipa::path(delete, path = "/api/contacts/{id}", tag = "contacts",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 204, description = "Deleted"),
        FindErrors<Technicians, ErrorOut>))]
async fn delete_contact(call: Call, Path(id): Path<i64>) -> Result<Answer<StatusCode>, Problem> {
    let deleted = call.codex.delete::<Contact>(&call.scope, &call.author, id);
    Ok(no_content(
        deleted.await.map_err(flat)?.ok_or_else(unknown)?,
    ))
}
