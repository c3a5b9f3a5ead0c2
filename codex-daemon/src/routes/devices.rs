//! Assets as the devices of an RMM, under two names (contract 1.2.D).

use std::collections::HashMap;

use axum::{Json, extract::State};
use codex_core::{
    assets::devices::{DeviceDetailOut, DeviceOut, DevicesOut},
    ids::AssetId,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::lenient::{Lenient, integer, word};
use crate::{
    app::App,
    auth::Caller,
    extract::{Path, Query},
    problem::{ErrorOut, Problem, ProblemOut},
};

/// Devices of a list, when nothing else is asked for (contract 1.2.D).
const LIMIT: i64 = 100;
/// The longest list.
const MAX_LIMIT: i64 = 10_000;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_rmm_devices))
        .routes(routes!(get_rmm_device))
        .routes(routes!(list_datto_devices))
        .routes(routes!(get_datto_device))
}

/// List devices by host name.
///
/// A parameter that cannot be read is ignored.
#[utoipa::path(get, path = "/api/rmm/devices", tag = "devices",
    params(
        ("company_id" = Option<String>, Query, description = "Account number of the only company"),
        ("status" = Option<String>, Query, description = "`online` or `offline`", example = "online"),
        ("limit" = Option<i64>, Query, description = "At most this many, 100 when not given, 10000 at most")),
    responses(
        (status = 200, description = "The first devices", body = DevicesOut),
        (status = 401, description = "No valid token", body = ProblemOut)))]
async fn list_rmm_devices(
    State(app): State<App>,
    caller: Caller,
    Query(params): Lenient,
) -> Result<Json<DevicesOut>, Problem> {
    list(&app, &caller, &params).await
}

/// List devices by host name, under an older name.
#[utoipa::path(get, path = "/api/datto/devices", tag = "devices",
    params(
        ("company_id" = Option<String>, Query, description = "Account number of the only company"),
        ("status" = Option<String>, Query, description = "`online` or `offline`", example = "online"),
        ("limit" = Option<i64>, Query, description = "At most this many, 100 when not given, 10000 at most")),
    responses(
        (status = 200, description = "The first devices", body = DevicesOut),
        (status = 401, description = "No valid token", body = ProblemOut)))]
async fn list_datto_devices(
    State(app): State<App>,
    caller: Caller,
    Query(params): Lenient,
) -> Result<Json<DevicesOut>, Problem> {
    list(&app, &caller, &params).await
}

/// Get a device with what its inventory says.
///
/// The RMM is asked, for three seconds at most, when it has a newer inventory than was read and the caller is no
/// client.
#[utoipa::path(get, path = "/api/rmm/device/{device_id}", tag = "devices",
    params(("device_id" = String, Path, description = "`device-` and the id of the asset", example = "device-1")),
    responses(
        (status = 200, description = "The device", body = DeviceDetailOut),
        (status = 400, description = "No id of a device", body = ErrorOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such device, or none that the caller may see", body = ErrorOut)))]
async fn get_rmm_device(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DeviceDetailOut>, Problem> {
    get(&app, &caller, id).await
}

/// Get a device with what its inventory says, under an older name.
///
/// The RMM is asked, for three seconds at most, when it has a newer inventory than was read and the caller is no
/// client.
#[utoipa::path(get, path = "/api/datto/device/{device_id}", tag = "devices",
    params(("device_id" = String, Path, description = "`device-` and the id of the asset", example = "device-1")),
    responses(
        (status = 200, description = "The device", body = DeviceDetailOut),
        (status = 400, description = "No id of a device", body = ErrorOut),
        (status = 401, description = "No valid token", body = ProblemOut),
        (status = 404, description = "No such device, or none that the caller may see", body = ErrorOut)))]
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
    params: &HashMap<String, String>,
) -> Result<Json<DevicesOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let limit = integer(params, "limit").unwrap_or(LIMIT);
    let online = word(params, "status").and_then(|word| match word.to_lowercase().as_str() {
        "online" => Some(true),
        "offline" => Some(false),
        _ => None,
    });
    let company = match word(params, "company_id") {
        None => None,
        Some(account) => match app.codex().company(&scope, account).await? {
            Some(company) => Some(company.id),
            None => {
                return Ok(Json(DevicesOut {
                    count: 0,
                    devices: Vec::new(),
                }));
            }
        },
    };
    let limit = limit.clamp(0, MAX_LIMIT);
    let found = app.codex().devices(&scope, company, online, limit).await?;
    let devices = found.iter();
    let devices: Vec<_> = devices
        .map(|(asset, company)| DeviceOut::new(asset, company.as_ref()))
        .collect();
    Ok(Json(DevicesOut {
        count: devices.len(),
        devices,
    }))
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
