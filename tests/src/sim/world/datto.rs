//! Sites and devices (vendors 2.6, 2.7).

use chrono::{DateTime, Duration, Utc};
use rand::{Rng, rngs::SmallRng};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Device, Site};

/// The site of deleted devices; its uid is no GUID (vendors 2.7).
pub const DELETED_DEVICES: &str = "deleted-devices-site";
/// Uid of the account; its prefix is that of the platform.
pub const ACCOUNT_UID: &str = "pin000001";
/// Sites that every account has, at the end of the list.
pub(super) const SYSTEM_SITES: usize = 3;
/// More variables than fit one page, so that the last is on the second (trap 45).
const MANY_VARIABLES: usize = 260;
const CATEGORIES: [&str; 3] = ["Desktop", "Laptop", "Server"];
/// How Datto writes a time that it does not have: the year 1.
const YEAR_1: i64 = -62_135_596_800_000;

fn guid(kind: u128, n: usize) -> String {
    Uuid::from_u128((kind << 96) + n as u128 + 1).to_string()
}

/// Uid of the n-th device.
pub fn device_uid(n: usize) -> String {
    guid(0xde, n)
}

/// One site a department, a second for every tenth, and the three that every account has.
pub(super) fn sites(rng: &mut SmallRng, departments: &[Value]) -> Vec<Site> {
    let mut sites = Vec::new();
    for (n, department) in departments.iter().enumerate() {
        let name = department["name"].as_str().unwrap_or_default();
        let variables = variables(n, departments);
        let mut own = site(n, guid(0x51, n), name, variables.clone());
        if n % 50 == 10 {
            own.body["proxySettings"] = json!({"host": "proxy.client.example", "port": 3128, "type": "http",
                "username": "proxy", "password": "SECRET-PROXY"});
        }
        sites.push(own);
        if n % 10 == 1 {
            let branch = format!("{name} Branch {}", rng.random_range(1..9));
            sites.push(site(n + 10_000, guid(0x52, n), &branch, variables));
        }
    }
    sites.push(site(30_001, guid(0x53, 0), "Managed", Vec::new()));
    sites.push(site(30_002, guid(0x53, 1), "OnDemand", Vec::new()));
    let deleted = DELETED_DEVICES.to_owned();
    sites.push(site(30_003, deleted, "Deleted Devices", Vec::new()));
    sites
}

/// A site's variables. Of 25 sites one has no account number, one an empty one, one a masked one, one under a name in
/// small letters and with spaces, one on the second page; of 50 one has that of its neighbour (trap 45).
fn variables(n: usize, departments: &[Value]) -> Vec<Value> {
    let holder = if n % 50 == 46 { n - 1 } else { n };
    let number = match &departments[holder]["custom_fields"]["account_number"] {
        Value::String(text) => text.clone(),
        // A number; a department without one, the 20th of 50, has no such variable below.
        other => other.to_string(),
    };
    let variable = |place: usize, name: &str, value: &str, masked: bool| json!({"id": 5_000_000 + n * 1_000 + place, "name": name, "value": value, "masked": masked});
    let other = variable(0, "Backup", "yes", false);
    match n % 25 {
        20 => vec![other],
        21 => vec![variable(1, "AccountNumber", "", false)],
        22 => vec![variable(1, "AccountNumber", "********", true)],
        23 => vec![variable(1, "accountnumber", &format!(" {number} "), false)],
        24 => (0..MANY_VARIABLES)
            .map(|place| variable(place, &format!("Setting{place}"), "on", false))
            .chain([variable(MANY_VARIABLES, "AccountNumber", &number, false)])
            .collect(),
        _ => vec![other, variable(1, "AccountNumber", &number, false)],
    }
}

fn site(n: usize, uid: String, name: &str, variables: Vec<Value>) -> Site {
    // The number in the portal's address is not the id (vendors 2.6).
    let body = json!({
        "id": 187_000 + n, "uid": uid, "accountUid": ACCOUNT_UID, "name": name, "description": null,
        "notes": null, "onDemand": name == "OnDemand", "splashtopAutoInstall": false, "proxySettings": null,
        "autotaskCompanyName": null, "autotaskCompanyId": null,
        "portalUrl": format!("https://pinotage.rmm.datto.example/site/{}", 187_018 + n),
    });
    Site {
        uid,
        body: members(body),
        variables,
        claimed_count: None,
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// A device. Of 33 one is a network device and one a printer, of 100 one an ESXi host; some have no name or that of
/// another, and some hardware addresses are cloned (trap 48, 53 to 57).
pub(super) fn device(rng: &mut SmallRng, n: usize, site: &Site, now: DateTime<Utc>) -> Device {
    let online = n % 5 != 0;
    let minutes = if online {
        2
    } else {
        rng.random_range(60..90_000)
    };
    // One machine's clock is a day ahead.
    let seen = if n % 500 == 77 {
        now + Duration::days(1)
    } else {
        now - Duration::minutes(minutes)
    };
    let audited = match n % 18 {
        0 | 9 => YEAR_1,
        5 => 0,
        _ => now.timestamp_millis(),
    };
    let antivirus = [
        "RunningAndUpToDate",
        "RunningAndNotUpToDate",
        "NotRunning",
        "NotDetected",
    ];
    let patches = [
        "FullyPatched",
        "ApprovedPending",
        "RebootRequired",
        "NoData",
        "InstallError",
        "NoPolicy",
    ];
    let body = json!({
        "id": 900_000 + n, "uid": device_uid(n), "siteId": site.body["id"], "siteUid": site.uid,
        "siteName": site.body["name"], "hostname": hostname(n), "deviceClass": "device",
        "deviceType": {"category": CATEGORIES[n % 3], "type": "Workstation"},
        "intIpAddress": format!("10.{}.{}.{}", n % 7, n / 250 % 250, n % 250),
        "extIpAddress": format!("198.51.100.{}", n % 250),
        "operatingSystem": "Microsoft Windows 11 Pro 10.0.26200", "lastLoggedInUser": format!("CORP\\user{n}"),
        "domain": "corp.example", "cagVersion": "11965", "displayVersion": "4.4.11965.11965",
        "description": null, "a64Bit": true, "rebootRequired": n % 11 == 0, "online": online,
        "suspended": false, "deleted": false, "lastSeen": seen.timestamp_millis(),
        "lastReboot": (now - Duration::days(3)).timestamp_millis(), "lastAuditDate": audited,
        "creationDate": 1_700_000_000_000_i64, "snmpEnabled": false,
        "portalUrl": format!("https://pinotage.rmm.datto.example/device/{n}"),
        "webRemoteUrl": format!("https://pinotage.rmm.datto.example/remote/{n}"),
        "warrantyDate": if n % 4 == 1 { json!("2027-06-30") } else { Value::Null },
        "antivirus": {"antivirusProduct": "Windows Defender", "antivirusStatus": antivirus[n / 8 % antivirus.len()]},
        "patchManagement": {"patchStatus": patches[n / 10 % patches.len()], "patchesApprovedPending": n % 2,
            "patchesNotApproved": n % 4, "patchesInstalled": 40 + n % 9},
        "softwareStatus": "Compliant", "networkProbe": false, "onboardedViaNetworkMonitor": false,
        "udf": user_fields(n),
    });
    let mut body = members(body);
    match (n % 33, n % 100) {
        (17, _) => network_device(&mut body),
        (18, _) => printer(&mut body),
        (_, 50) => esxi_host(&mut body),
        _ => {}
    }
    // A cloned image has its original's address.
    let original = if n % 97 == 50 { n - 1 } else { n };
    let mac = (n % 41 != 40).then(|| format!("3C{:010X}", original + 1));
    Device {
        site: site.uid.clone(),
        mac,
        body,
    }
}

fn hostname(n: usize) -> Value {
    match (n % 50, n % 1_000) {
        (12, _) => Value::Null,
        (13, _) => json!(""),
        (14 | 15, _) => json!("DESKTOP-CLONE"),
        (16, _) => json!("desktop-clone"),
        (17, _) => json!(format!("MÜNCHEN-{n}")),
        (_, 620) => json!("H".repeat(255)),
        (_, 621) => json!(format!("  PC-{n:05} ")),
        _ => json!(format!("PC-{n:05}")),
    }
}

/// A network device: nearly all members are null, booleans too (trap 61c).
fn network_device(body: &mut Map<String, Value>) {
    let kept = [
        "id",
        "uid",
        "siteId",
        "siteUid",
        "siteName",
        "intIpAddress",
        "online",
        "deleted",
        "lastSeen",
        "creationDate",
        "portalUrl",
        "networkProbe",
        "onboardedViaNetworkMonitor",
    ];
    for (name, value) in body.iter_mut() {
        if !kept.contains(&name.as_str()) {
            *value = Value::Null;
        }
    }
    body.insert("deviceClass".into(), "rmmnetworkdevice".into());
    body.insert("onboardedViaNetworkMonitor".into(), true.into());
}

fn printer(body: &mut Map<String, Value>) {
    agentless(body);
    body.insert("deviceClass".into(), "printer".into());
    body.insert("snmpEnabled".into(), true.into());
    let kind = json!({"category": "Printer", "type": "Printer"});
    body.insert("deviceType".into(), kind);
    body.insert("operatingSystem".into(), Value::Null);
}

fn esxi_host(body: &mut Map<String, Value>) {
    agentless(body);
    body.insert("deviceClass".into(), "esxihost".into());
    let kind = json!({"category": "ESXi Host", "type": "ESXi Host"});
    body.insert("deviceType".into(), kind);
    body.insert("operatingSystem".into(), "VMware ESXi 8.0.2".into());
}

/// What is watched from outside has nobody logged in, no antivirus, no patches, and nobody who fills its fields.
fn agentless(body: &mut Map<String, Value>) {
    for name in [
        "lastLoggedInUser",
        "domain",
        "cagVersion",
        "displayVersion",
        "antivirus",
        "patchManagement",
    ] {
        body.insert(name.into(), Value::Null);
    }
    if let Some(Value::Object(fields)) = body.get_mut("udf") {
        fields.values_mut().for_each(|value| *value = Value::Null);
    }
}

/// User-defined fields as the MSP's scripts fill them: recovery key, administrators, backup bytes of servers, type,
/// Windows key. The bytes are what people and scripts leave there (trap 55).
fn user_fields(n: usize) -> Value {
    let mut fields: Map<String, Value> = (1..=30)
        .map(|number| (format!("udf{number}"), Value::Null))
        .collect();
    let server = n % 3 == 2;
    fields.insert("udf2".into(), format!("SECRET-BITLOCKER-{n:06}").into());
    fields.insert("udf4".into(), "Administrator, localadmin".into());
    let kind = if server { "Server" } else { "Workstation" };
    fields.insert("udf7".into(), kind.into());
    if server {
        let backup = match n % 8 {
            0 => "549755813888".to_owned(),
            1 => "1.2 TB".to_owned(),
            2 => "1,234".to_owned(),
            3 => String::new(),
            4 => "N/A".to_owned(),
            _ => format!("{}", 1_000_000_000_u64 * (n as u64 % 900)),
        };
        fields.insert("udf6".into(), backup.into());
    }
    if n % 6 == 0 {
        fields.insert("udf9".into(), "SECRET-WINDOWS-KEY".into());
    }
    Value::Object(fields)
}
