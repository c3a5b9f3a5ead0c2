//! Inventories of devices (vendors 2.5, 2.6): a route for each class, 400 for another (trap 58).

use axum::{
    body::Body,
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, Response, StatusCode},
};
use serde_json::{Value, json};

use super::{
    records::List,
    routes::{Api, error},
};
use crate::sim::{reply::json_text, world::Device};

/// One in so many devices has more programs than a page holds.
const CROWDED: i64 = 40;

/// What the inventory route of a class says of a device.
pub(super) async fn one(
    State(Api(api)): State<Api>,
    Path((class, uid)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    if let Err(refusal) = api.admit(&uri, &headers).await {
        return *refusal;
    }
    let fault = api.shared.faults.strike(uri.path(), 0);
    let right = match taken(api.find(&uid).as_ref(), &class) {
        Ok(device) => json_text(StatusCode::OK, body(&device, &class).to_string()),
        Err(status) => error(status, &uri),
    };
    api.spoilt(fault, right, &uri).await
}

/// The programs of a computer, by pages.
pub(super) async fn software(
    State(Api(api)): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    match taken(api.find(&uid).as_ref(), "device") {
        Err(StatusCode::BAD_REQUEST) => match api.admit(&uri, &headers).await {
            Ok(()) => error(StatusCode::BAD_REQUEST, &uri),
            Err(refusal) => *refusal,
        },
        _ => api.list(List::Software(uid), &uri, &headers).await,
    }
}

/// A device whose inventory was taken by the route of its class.
fn taken(device: Option<&Device>, class: &str) -> Result<Device, StatusCode> {
    let device = device.ok_or(StatusCode::NOT_FOUND)?;
    if device.body["deviceClass"] != class {
        return Err(StatusCode::BAD_REQUEST);
    }
    let audited = device.body["lastAuditDate"].as_i64().unwrap_or(0);
    (audited > 0)
        .then(|| device.clone())
        .ok_or(StatusCode::NOT_FOUND)
}

fn number(device: &Device) -> i64 {
    device.body["id"].as_i64().unwrap_or(0) - 900_000
}

fn body(device: &Device, class: &str) -> Value {
    let n = number(device);
    let nics = device.mac.as_ref().map(|mac| {
        json!([{"instance": "Ethernet", "ipv4": device.body["intIpAddress"], "ipv6": null,
            "macAddress": mac, "type": "Ethernet 802.3"}])
    });
    match class {
        "esxihost" => json!({
            "portalUrl": null, "guests": [], "nics": null, "datastores": null,
            "systemInfo": {"manufacturer": "HPE", "model": "ProLiant DL380", "name": "esx",
                "numberOfSnapshots": 0, "serviceTag": format!("CZ{n:06}")},
            "processors": [{"frequency": 2.4, "name": "Intel Xeon Silver 4314", "numberOfCores": 16}],
            "physicalMemory": [{"module": "A1", "size": 68_719_476_736_i64, "type": "DDR4", "speed": "3200",
                "serialNumber": null, "partNumber": null, "bank": null}],
        }),
        "printer" => json!({
            "portalUrl": null, "nics": nics, "printerMarkerSupplies": [], "printer": {"printedPageCount": 9},
            "systemInfo": {"manufacturer": "HP", "model": "LaserJet M507"},
            "snmpInfo": {"snmpName": "printer", "snmpSerial": format!("VN{n:06}")},
        }),
        _ => json!({
            "portalUrl": null, "webRemoteUrl": null, "nics": nics, "displays": [], "mobileInfo": null,
            "systemInfo": {"manufacturer": "Dell Inc.", "model": "OptiPlex 7010", "dotNetVersion": "4.8.1",
                "totalPhysicalMemory": 17_179_869_184_i64, "username": null, "totalCpuCores": 8},
            "bios": {"instance": "BIOS", "releaseDate": 1_700_000_000_000_i64, "smBiosVersion": "1.21.0",
                "serialNumber": if n % 10 == 3 { "To be filled by O.E.M.".to_owned() } else { format!("SN{n:06}") }},
            "baseBoard": {"manufacturer": "Dell Inc.", "product": "0GXM1W"},
            "processors": [{"name": "13th Gen Intel(R) Core(TM) i7-13700"}],
            "physicalMemory": [{"module": "DIMM1", "size": 17_179_869_184_i64, "type": "DDR4", "speed": "3200",
                "serialNumber": null, "partNumber": "M378A2K43", "bank": null}],
            "logicalDisks": [
                {"description": "Local Fixed Disk", "diskIdentifier": "C:", "size": 512_110_190_592_i64,
                    "freespace": 128_027_547_648_i64},
                {"description": "Removable Disk", "diskIdentifier": "E:", "size": 31_000_000_000_i64, "freespace": 5}],
            "videoBoards": [], "attachedDevices": [], "snmpInfo": null,
        }),
    }
}

/// The programs of a device.
pub(super) fn programs(device: &Device) -> Vec<Value> {
    let n = number(device);
    let count = if n % CROWDED == 7 { 300 } else { 10 + n % 20 };
    let named = |place: i64| json!({"name": format!("Program {place}"), "version": format!("1.{}", (n + place) % 3)});
    let mut all: Vec<Value> = (0..count).map(named).collect();
    all.push(json!({"name": "7-Zip 24.08 (x64)", "version": "24.08"}));
    // Once more, and one without a version or a name.
    all.push(json!({"name": "7-Zip 24.08 (x64)", "version": "24.08"}));
    all.push(json!({"name": "Notes", "version": null}));
    all.push(json!({"name": null, "version": "1"}));
    all
}
