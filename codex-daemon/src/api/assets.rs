//! Assets across companies.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use codex_core::{
    WholeList,
    assets::{
        Asset,
        audit::wire::AssetAuditOut,
        query::LISTING,
        wire::{AssetBulkIn, AssetIn, AssetOut},
    },
    bulk::BulkOut,
    companies::{COMPANY_NUMBER, CompanyRef, level_of},
    ids::AssetId,
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

const PATH: &str = "/api/assets";

/// An asset of a list.
type Row = (Asset, Option<CompanyRef>);

fn company_of((_, company): &Row) -> Value {
    let company = company.as_ref();
    json!(company.and_then(|company| company.account_number.as_ref()))
}

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("assets", "Devices of the companies")),
    writers: &[
        ("POST", "/api/assets", Who::Technicians, FLAT),
        ("POST", "/api/assets/bulk", Who::Technicians, FLAT),
        ("PUT", "/api/assets/{id}", Who::Technicians, FLAT),
        (
            "PUT",
            "/assets/{id}/update-contacts",
            Who::Technicians,
            FLAT,
        ),
    ],
    named: &[NamedRecord {
        part: "/assets/{id}",
        check: named,
    }],
    lists: &[
        ApiList::of::<Asset>(PATH, &LISTING, Some(COMPANY_NUMBER)),
        ApiList::of::<Asset>(
            "/api/companies/{account_number}/assets",
            &LISTING,
            Some(COMPANY_NUMBER),
        ),
        ApiList::filtered("/api/assets/facets", &LISTING),
    ],
    ..ApiResource::of(routes)
};

/// Refuses a call for a record that is not there.
fn named<'c>(call: &'c Call, names: &'c Names) -> Checked<'c> {
    Box::pin(async move {
        if let Some(id) = names.id() {
            asset_now(call, AssetId(id)).await?;
        }
        Ok(())
    })
}

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_assets, create_asset))
        .routes(routes!(bulk_write_assets))
        .routes(routes!(get_asset, update_asset, delete_asset))
        .routes(routes!(get_asset_alias))
        .routes(routes!(get_asset_audit))
}

/// List assets
///
/// Returns a bare array. Without `limit` and `cursor` it is the whole list, streamed: an answer that breaks off is
/// incomplete. With one of them it is a page, and the header `Link: <...>; rel="next"` has the address of the next
/// page.
///
/// Columns filter the list: `name=` ignores case, `name__exact=` does not. Further operators are `__ne`, `__in`,
/// `__lt`, `__lte`, `__gt`, `__gte`, `__contains`, `__startswith` and `__isnull`; each column lists its own as
/// parameters. Put a value of `__in` that holds a comma in double quotes. `fields=id,name` returns these fields of
/// each record only. Unknown columns return 400.
#[utoipa::path(get, path = "/api/assets", tag = "assets", params(ListParams, PageOfListParams), responses(
    (status = 200, description = "A page", body = Vec<AssetOut>),
    NotFound<ErrorOut>))]
async fn list_assets(
    State(app): State<App>,
    caller: Caller,
    forwarded: Forwarded,
    mut query: ListQuery,
) -> Result<Response, Problem> {
    let scope = caller.scope(app.codex()).await?;
    query.require_fields::<AssetOut>(&scope, &Asset::staff_names(), Some(COMPANY_NUMBER))?;
    let company = query.company(&app, &scope).await?;
    let page = app.codex().assets(&scope, company, &query.page).await?;
    let whole = query.is_whole() && page.next.is_some();
    let request = query.page.clone();
    let own = scope.clone();
    let beside = move |row: &Row| beside(&own, row, &row.0, Some((COMPANY_NUMBER, &company_of)));
    let out = |(asset, company): Row| AssetOut::new(&asset, level_of(company.as_ref()));
    if !whole {
        return Ok(query.answer(PATH, &forwarded, page, beside, out));
    }
    let out = move |row| query.shown(row, &beside, out);
    let all = app.codex().all_assets(&scope, company, &request, out);
    let WholeList { download, total } = all.await?;
    let total = i64::try_from(total).ok();
    Ok(with_total(streamed(download, "application/json"), total))
}

/// Get an asset
///
/// The header `ETag` has the version, which `If-Match` expects on update.
#[utoipa::path(get, path = "/api/assets/{id}", tag = "assets",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The asset", body = AssetOut),
        NotFound<ErrorOut>))]
async fn get_asset(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Versioned<AssetOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    match app.codex().asset(&scope, AssetId(id)).await? {
        Some((asset, level)) => Ok(Versioned(
            AssetOut::new(&asset, level),
            Some(asset.updated_at),
        )),
        None => Err(Problem::not_found("Asset not found").flat()),
    }
}

/// Get an asset's hardware and software
///
/// Returns the inventory that the RMM has taken. If the RMM has a newer inventory and the caller is not a client,
/// Codex reads it first, for at most three seconds.
#[utoipa::path(get, path = "/api/assets/{id}/audit", tag = "assets",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "Its hardware and programs, as far as they were read", body = AssetAuditOut),
        NotFound<ErrorOut>))]
async fn get_asset_audit(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<AssetAuditOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    match app.codex().asset_audit(&scope, AssetId(id)).await? {
        Some((asset, audit)) => Ok(Json(AssetAuditOut::new(&asset, audit.as_ref()))),
        None => Err(Problem::not_found("Asset not found").flat()),
    }
}

/// Get an asset (legacy alias)
///
/// Same as `GET /api/assets/{id}`, under the address that Brainhair calls.
#[utoipa::path(get, path = "/api/asset/{id}", tag = "assets",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The asset", body = AssetOut),
        NotFound<ErrorOut>))]
async fn get_asset_alias(
    app: State<App>,
    caller: Caller,
    id: Path<i64>,
) -> Result<Versioned<AssetOut>, Problem> {
    get_asset(app, caller, id).await
}

async fn asset_now(call: &Call, id: AssetId) -> Result<Versioned<AssetOut>, Problem> {
    let found = call.codex.asset(&call.scope, id).await?;
    let (asset, level) = found.ok_or_else(unknown)?;
    let out = AssetOut::new(&asset, level);
    Ok(Versioned(out, Some(asset.updated_at)))
}

fn unknown() -> Problem {
    Problem::not_found("Asset not found").flat()
}

/// Create an asset
///
/// The asset belongs to the company in `company_account_number`. A person's values win over every source until they
/// are released.
#[utoipa::path(post, path = "/api/assets", tag = "assets", request_body = AssetIn, responses(
    (status = 201, description = "The new asset", body = AssetOut),
    CreateErrors<Technicians, ErrorOut>,
    (status = 400, description = "A record that the body names is not there", body = ErrorOut),
    (status = 409, description = "Another asset has the device uid", body = ErrorOut)))]
async fn create_asset(
    call: Call,
    forwarded: Forwarded,
    NewBody(asset): NewBody<AssetIn>,
) -> Result<Answer<Created<AssetOut>>, Problem> {
    let made = call.codex.create_asset(&call.scope, &call.author, &asset);
    let made = made.await.map_err(flat)?;
    let created = |id| async move {
        let out = asset_now(&call, id).await?.0;
        Ok(Created::new(&forwarded, PATH, id, out))
    };
    answer_with(made, created).await
}

/// Create or update up to 10,000 assets
///
/// A row with an id is that asset. A row without an id creates an asset. With `action=upsert`, the default, it
/// updates the one asset that has the same device uid or, if the row has none, the same serial number. The answer has
/// the result of each row.
#[utoipa::path(post, path = "/api/assets/bulk", tag = "assets", params(BulkParams),
    request_body = Vec<AssetBulkIn>,
    responses(
        (status = 200, description = "What became of each row", body = BulkOut),
        BulkErrors<Technicians, ErrorOut>))]
async fn bulk_write_assets(
    call: Call,
    Query(params): Query<BulkParams>,
    BulkRows(rows): BulkRows,
) -> Result<Answer<Json<BulkOut>>, Problem> {
    let done = call.codex.bulk_write_assets(
        &call.scope,
        &call.author,
        params.action,
        params.atomic(),
        rows.into(),
    );
    Ok(answer(done.await.map_err(flat)?, Json))
}

/// Update an asset
///
/// Only the keys that you send change. They become manual values, which win over every source until they are
/// released.
#[utoipa::path(put, path = "/api/assets/{id}", tag = "assets", request_body = AssetIn,
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The asset as it is now", body = AssetOut),
        UpdateErrors<Technicians, ErrorOut>,
        (status = 409, description = "Another asset has the device uid", body = ErrorOut)))]
async fn update_asset(
    call: Call,
    Path(id): Path<i64>,
    UpdateBody(edit): UpdateBody<AssetIn>,
) -> Result<Answer<Versioned<AssetOut>>, Problem> {
    let id = AssetId(id);
    let changed = call
        .codex
        .update_asset(&call.scope, &call.author, id, &edit);
    let changed = changed.await.map_err(flat)?.ok_or_else(unknown)?;
    answer_with(changed, |()| asset_now(&call, id)).await
}

/// Delete an asset
///
/// No sync brings it back. `POST /api/deleted/asset/{id}/restore` restores it.
#[utoipa::path(delete, path = "/api/assets/{id}", tag = "assets",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 204, description = "Deleted"),
        FindErrors<Technicians, ErrorOut>))]
async fn delete_asset(call: Call, Path(id): Path<i64>) -> Result<Answer<StatusCode>, Problem> {
    let deleted = call.codex.delete::<Asset>(&call.scope, &call.author, id);
    Ok(no_content(
        deleted.await.map_err(flat)?.ok_or_else(unknown)?,
    ))
}
