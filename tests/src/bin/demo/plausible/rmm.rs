//! Sites and devices of Datto RMM.

use std::collections::HashMap;

use chrono::Duration;
use codex_tests::sim::World;
use serde_json::{Map, Value, json};

use super::names::{Company, login, person};

/// The id of the site of the first department; those of branches and of Datto's own sites follow further on.
const FIRST_SITE: i64 = 187_000;
const BRANCHES: usize = 10_000;
const OWN_SITES: usize = 30_000;
const CLIENTS: [&str; 3] = [
    "Microsoft Windows 11 Pro 10.0.26100",
    "Microsoft Windows 11 Pro 10.0.22631",
    "Microsoft Windows 10 Pro 10.0.19045",
];
const SERVER: &str = "Microsoft Windows Server 2022 Standard 10.0.20348";
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// Names the sites as their companies. Returns the place of the company by the uid of the site.
pub(super) fn sites(world: &mut World, companies: &[Company]) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    for site in &mut world.sites {
        let id = site.body["id"].as_i64().unwrap_or_default();
        let number = usize::try_from(id - FIRST_SITE).unwrap_or(OWN_SITES);
        if number >= OWN_SITES {
            continue;
        }
        let place = number % BRANCHES;
        let name = companies[place].name.as_str();
        let name = if number < BRANCHES {
            name.to_owned()
        } else {
            format!("{name} Warehouse")
        };
        site.body.insert("name".into(), json!(name));
        for variable in &mut site.variables {
            let is_readable = variable["masked"] == false && variable["value"] != "";
            if variable["name"] == "AccountNumber" && is_readable {
                variable["value"] = json!((100_000 + place).to_string());
            }
        }
        places.insert(site.uid.clone(), place);
    }
    places
}

pub(super) fn devices(world: &mut World, companies: &[Company], places: &HashMap<String, usize>) {
    let now = world.now.timestamp_millis();
    for (n, device) in world.devices.iter_mut().enumerate() {
        // What lies in no client's site is named after the first.
        let place = places.get(&device.site).copied().unwrap_or_default();
        let company = &companies[place];
        let body = &mut device.body;
        times(body, n, now);
        if body["deviceClass"] == "device" {
            computer(body, n);
        }
        let kind = match body["deviceClass"].as_str() {
            Some("printer") => "PRN",
            Some("esxihost") => "ESX",
            Some("device") => match body["deviceType"]["category"].as_str() {
                Some("Server") => "SRV",
                Some("Laptop") => "LT",
                _ => "PC",
            },
            // Nobody names network devices.
            _ => continue,
        };
        let host = format!("{}-{kind}-{n:04}", company.prefix);
        body.insert("hostname".into(), json!(host));
        if !body["lastLoggedInUser"].is_null() {
            let (first, last) = person(place, n / companies.len());
            let user = format!("{}\\{}", company.prefix, login(first, last));
            body.insert("lastLoggedInUser".into(), json!(user));
            body.insert("domain".into(), json!(company.domain));
        }
    }
}

/// A device was created, started and seen in this order, and nothing later than now.
fn times(body: &mut Map<String, Value>, n: usize, now: i64) {
    let spread = |range: i64| i64::try_from(n * 37).unwrap_or(0) % range;
    let seen = body["lastSeen"].as_i64().unwrap_or(now).min(now);
    body.insert("lastSeen".into(), json!(seen));
    body.insert(
        "creationDate".into(),
        json!(seen - (90 + spread(1_200)) * DAY),
    );
    if !body["lastReboot"].is_null() {
        let before = spread(30) * DAY + spread(1_440) * 60_000;
        body.insert("lastReboot".into(), json!(seen - before));
    }
    if body["lastAuditDate"].as_i64() > Some(seen) {
        body.insert("lastAuditDate".into(), json!(seen));
    }
    if body["warrantyDate"].is_string() {
        let end = chrono::DateTime::from_timestamp_millis(now).unwrap_or_default();
        let end = end + Duration::days(spread(1_400) - 400);
        body.insert("warrantyDate".into(), json!(end.date_naive().to_string()));
    }
}

/// One computer in fifteen is a server.
fn computer(body: &mut Map<String, Value>, n: usize) {
    let is_server = n % 15 == 2;
    if is_server {
        let bytes = 1_000_000_000 * (80 + u64::try_from(n).unwrap_or(0) % 900);
        body["udf"]["udf6"] = json!(bytes.to_string());
        body.insert("operatingSystem".into(), json!(SERVER));
        return;
    }
    if body["deviceType"]["category"] == "Server" {
        body["deviceType"]["category"] = json!("Laptop");
        body["udf"]["udf6"] = Value::Null;
        body["udf"]["udf7"] = json!("Workstation");
    }
    let system = CLIENTS[n / 3 % CLIENTS.len()];
    body.insert("operatingSystem".into(), json!(system));
}
