//! Assets as the devices of an RMM, under two names (contract 1.2.D).

use axum::{Json, extract::State, http::Uri, response::Response};
use codex_core::{
    assets::devices::{DeviceDetailOut, DeviceOut, DevicesOut},
    companies::COMPANY_ID,
    ids::AssetId,
    list::{Filter, Page, PageRequest},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::{paging::cut, resource::ApiResource},
    app::App,
    auth::Caller,
    http::{
        extract::Path,
        forwarded::Forwarded,
        problem::{ErrorOut, Problem},
    },
    legacy::{Params, Wanted},
    openapi::errors::NotFound,
};

/// Devices of a list, when nothing else is asked for (contract 1.2.D).
const LIMIT: u32 = 100;
/// The longest list.
const MAX_LIMIT: u32 = 10_000;

/// What it registers.
pub(crate) const API: ApiResource = ApiResource {
    tag: Some((
        "devices",
        "Assets as the devices of an RMM (legacy addresses)",
    )),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_rmm_devices))
        .routes(routes!(get_rmm_device))
        .routes(routes!(list_datto_devices))
        .routes(routes!(get_datto_device))
}

/// List devices
///
/// Returns devices by host name. Parameters that cannot be read are ignored. The header `X-Total-Count` has the
/// length of the list, and `Link: <...>; rel="next"` the address of the next page.
#[utoipa::path(get, path = "/api/rmm/devices", tag = "devices",
    params(
        ("company_id" = Option<String>, Query, description = "Account number of the only company"),
        ("status" = Option<String>, Query, description = "`online` or `offline`", example = "online"),
        ("limit" = Option<i64>, Query, description = "At most this many, 100 when not given, 10000 at most"),
        ("cursor" = Option<String>, Query, description = "Where to go on, from the `Link` header of the page before")),
    responses(
        (status = 200, description = "The first devices", body = DevicesOut),
        (status = 404, description = "No such company, of a request that asks for strict handling", body = ErrorOut)))]
async fn list_rmm_devices(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    forwarded: Forwarded,
    uri: Uri,
) -> Result<Response, Problem> {
    list(&app, &caller, &params, (&uri, &forwarded)).await
}

/// List devices (legacy alias)
///
/// Same as `GET /api/rmm/devices`.
#[utoipa::path(get, path = "/api/datto/devices", tag = "devices",
    params(
        ("company_id" = Option<String>, Query, description = "Account number of the only company"),
        ("status" = Option<String>, Query, description = "`online` or `offline`", example = "online"),
        ("limit" = Option<i64>, Query, description = "At most this many, 100 when not given, 10000 at most"),
        ("cursor" = Option<String>, Query, description = "Where to go on, from the `Link` header of the page before")),
    responses(
        (status = 200, description = "The first devices", body = DevicesOut),
        (status = 404, description = "No such company, of a request that asks for strict handling", body = ErrorOut)))]
async fn list_datto_devices(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    forwarded: Forwarded,
    uri: Uri,
) -> Result<Response, Problem> {
    list(&app, &caller, &params, (&uri, &forwarded)).await
}

/// Get a device with its inventory
///
/// If the RMM has a newer inventory and the caller is not a client, Codex reads it first, for at most three seconds.
#[utoipa::path(get, path = "/api/rmm/device/{device_id}", tag = "devices",
    params(("device_id" = String, Path, description = "`device-` and the id of the asset", example = "device-1")),
    responses(
        (status = 200, description = "The device", body = DeviceDetailOut),
        NotFound<ErrorOut>,
        (status = 400, description = "No id of a device", body = ErrorOut)))]
async fn get_rmm_device(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DeviceDetailOut>, Problem> {
    get(&app, &caller, id).await
}

/// Get a device with its inventory (legacy alias)
///
/// Same as `GET /api/rmm/device/{device_id}`.
#[utoipa::path(get, path = "/api/datto/device/{device_id}", tag = "devices",
    params(("device_id" = String, Path, description = "`device-` and the id of the asset", example = "device-1")),
    responses(
        (status = 200, description = "The device", body = DeviceDetailOut),
        NotFound<ErrorOut>,
        (status = 400, description = "No id of a device", body = ErrorOut)))]
async fn get_datto_device(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DeviceDetailOut>, Problem> {
    get(&app, &caller, id).await
}

async fn list(
    app: &App,
    caller: &Caller,
    params: &Params,
    (uri, forwarded): (&Uri, &Forwarded),
) -> Result<Response, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let limit = params.within("limit", 0, MAX_LIMIT.into())?;
    let limit = limit.and_then(|limit| u32::try_from(limit).ok());
    let online = match params.word("status").map(str::to_lowercase).as_deref() {
        None => None,
        // What nobody knows to be online is not.
        Some("online") => Some(Filter::new("online", "true")),
        Some("offline") => Some(Filter::new("online__ne", "true")),
        Some(_) => params.unread("status", "must be `online` or `offline`")?,
    };
    let page = PageRequest {
        limit: Some(limit.unwrap_or(LIMIT).max(1)),
        most: Some(MAX_LIMIT),
        cursor: params.cursor()?,
        filters: online.into_iter().collect(),
        total: true,
        ..PageRequest::default()
    };
    let company = params.company(COMPANY_ID, app.codex(), &scope).await?;
    let mut page = match company {
        Wanted::Unknown => Page::default(),
        Wanted::Any => app.codex().assets(&scope, None, &page).await?,
        Wanted::Only(company) => app.codex().assets(&scope, Some(company), &page).await?,
    };
    if limit == Some(0) {
        (page.items, page.next) = (Vec::new(), None);
    }
    let devices = page.items.iter();
    let devices: Vec<_> = devices
        .map(|(asset, company)| DeviceOut::new(asset, company.as_ref()))
        .collect();
    let answer = DevicesOut {
        count: devices.len(),
        devices,
    };
    Ok(cut(uri, forwarded, Json(answer), page.next, page.total))
}

async fn get(app: &App, caller: &Caller, given: String) -> Result<Json<DeviceDetailOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let id = DeviceOut::parse_id(&given)
        .ok_or_else(|| Problem::bad_request("Invalid device ID format").flat())?;
    let found = app.codex().asset_audit(&scope, AssetId(id)).await?;
    let (asset, audit) = found.ok_or_else(|| Problem::not_found("Device not found").flat())?;
    let company = app.codex().company_of_asset(&asset).await?;
    let mut out = DeviceDetailOut::new(&asset, company.as_ref(), audit.as_ref());
    // As it was asked for (contract 1.2.D).
    out.device.id = given;
    Ok(Json(out))
}
