//! A made-up MSP: departments, requesters and agents at Freshservice, sites and devices at Datto.
//! Deterministic from its seed, and as messy as real data is.

use chrono::{DateTime, Duration, TimeZone, Utc};
use rand::{Rng, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// How large a world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 3 companies, 12 contacts, 12 assets: to be read by eye.
    Tiny,
    /// 50 companies, 2,000 contacts, 3,000 assets.
    S,
    /// 500 companies, 20,000 contacts, 40,000 assets.
    M,
    /// 2,000 companies, 100,000 contacts, 200,000 assets.
    L,
}

impl Size {
    fn counts(self) -> (usize, usize, usize) {
        match self {
            Self::Tiny => (3, 12, 12),
            Self::S => (50, 2_000, 3_000),
            Self::M => (500, 20_000, 40_000),
            Self::L => (2_000, 100_000, 200_000),
        }
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_uppercase().as_str() {
            "TINY" => Ok(Self::Tiny),
            "S" => Ok(Self::S),
            "M" => Ok(Self::M),
            "L" => Ok(Self::L),
            _ => Err(format!("a size is tiny, S, M or L, not {text}")),
        }
    }
}

/// A Datto site.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its uid; not a GUID for the site of deleted devices.
    pub uid: String,
    /// The site without its device count, which is counted when it is sent.
    pub body: Map<String, Value>,
    /// Its variables, as sent.
    pub variables: Vec<Value>,
    /// A device count to claim instead of the true one.
    pub claimed_count: Option<u64>,
}

/// A Datto device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Uid of its site.
    pub site: String,
    /// Its hardware address, sent by the network-interface route only.
    pub mac: Option<String>,
    /// As sent, with its site.
    pub body: Map<String, Value>,
}

/// Everything that the simulators serve.
#[derive(Debug, Clone)]
pub struct World {
    /// The vendors' time.
    pub now: DateTime<Utc>,
    /// Freshservice departments, as sent.
    pub departments: Vec<Value>,
    /// Freshservice requesters, as sent.
    pub requesters: Vec<Value>,
    /// Freshservice agents, as sent.
    pub agents: Vec<Value>,
    /// Datto sites.
    pub sites: Vec<Site>,
    /// Datto devices.
    pub devices: Vec<Device>,
}

const FIRST: [&str; 16] = [
    "Anna",
    "Björn",
    "Chloë",
    "Dmitri",
    "Eoin",
    "Fatima",
    "Günter",
    "Hana",
    "Ines",
    "José",
    "Kateřina",
    "Liam",
    "Mireille",
    "Noor",
    "O'Brien",
    "Zoë",
];
const LAST: [&str; 12] = [
    "Ångström",
    "Brown",
    "D'Angelo",
    "García",
    "Jones",
    "Kowalski",
    "Müller",
    "Nguyễn",
    "Smith",
    "Şahin",
    "van der Berg",
    "李",
];
const NAMES: [&str; 12] = [
    "Acme",
    "Blue Heron",
    "Cedar & Sons",
    "Dübel",
    "Évian Print",
    "Foundry",
    "Granite",
    "Harbour",
    "Ironwood",
    "Juniper",
    "Kestrel",
    "Łódź Textiles",
];
const KINDS: [&str; 6] = ["Clinic", "GmbH", "Holdings", "Legal", "Ltd.", "Works"];
const PLANS: [&str; 5] = ["Platinum", "Premium", "Advanced", "Basic", "Break/Fix"];
const TERMS: [&str; 4] = ["1 Year", "2 Years", "Month to Month", "3 Year"];
const KINDS_OF_DEVICE: [&str; 3] = ["Desktop", "Laptop", "Server"];
/// The site of deleted devices; its uid is no GUID (upstreams 2.7).
pub const DELETED_DEVICES: &str = "deleted-devices-site";

impl World {
    /// A world of a size.
    pub fn generate(size: Size, seed: u64) -> Self {
        let (companies, contacts, assets) = size.counts();
        let mut rng = SmallRng::seed_from_u64(seed);
        let now = Utc
            .with_ymd_and_hms(2026, 1, 5, 10, 0, 0)
            .single()
            .unwrap_or_default();
        let mut world = Self {
            now,
            departments: (0..companies)
                .map(|n| department(&mut rng, n, size))
                .collect(),
            requesters: Vec::new(),
            agents: (0..(companies / 10).clamp(2, 90)).map(agent).collect(),
            sites: Vec::new(),
            devices: Vec::new(),
        };
        world.requesters = (0..contacts)
            .map(|n| requester(&mut rng, n, companies))
            .collect();
        world.sites = sites(&mut rng, &world.departments);
        let customers = world.sites.len() - 3;
        world.devices = (0..assets)
            .map(|n| {
                // One in forty lies in Managed; the others are spread evenly.
                let site = if n % 40 == 39 {
                    customers
                } else {
                    n % customers
                };
                device(&mut rng, n, &world.sites[site], now)
            })
            .collect();
        world
    }

    /// Moves the clock: every online device has been seen since, some by another user.
    pub fn tick(&mut self, by: Duration) {
        self.now += by;
        let millis = self.now.timestamp_millis();
        for (n, device) in self.devices.iter_mut().enumerate() {
            if device.body.get("online") == Some(&Value::Bool(true)) {
                device.body.insert("lastSeen".into(), millis.into());
                if n % 7 == 0 {
                    device.body.insert(
                        "lastLoggedInUser".into(),
                        format!("CORP\\user{millis}").into(),
                    );
                    device.body.insert(
                        "extIpAddress".into(),
                        format!("203.0.113.{}", millis % 250).into(),
                    );
                }
            }
        }
    }

    /// The position of a requester, agent or department by its id.
    pub fn position(list: &[Value], id: i64) -> Option<usize> {
        list.iter().position(|item| item["id"].as_i64() == Some(id))
    }
}

/// Ids as large as real ones (upstreams trap 36).
fn big(base: i64, n: usize) -> i64 {
    21_000_000_000 + base + i64::try_from(n).unwrap_or(0)
}

/// Freshservice id of the n-th department.
pub fn department_id(n: usize) -> i64 {
    big(100_000, n)
}

/// Freshservice id of the n-th requester.
pub fn requester_id(n: usize) -> i64 {
    big(1_000_000, n)
}

fn department(rng: &mut SmallRng, n: usize, size: Size) -> Value {
    let name = format!("{} {} {n}", NAMES[n % NAMES.len()], KINDS[n % KINDS.len()]);
    // A few departments are as real ones: no number, a number of another, words, spaces.
    let number = match n % 50 {
        _ if size == Size::Tiny => json!(100_000 + n),
        20 => Value::Null,
        31 => json!("100005"),
        42 => json!("TBD"),
        43 => json!(format!(" {} ", 100_000 + n)),
        n2 if n2 % 2 == 0 => json!(100_000 + n),
        _ => json!(format!("{}", 100_000 + n)),
    };
    let custom = json!({
        "account_number": number,
        "plan_selected": if n % 9 == 8 { Value::Null } else { json!(PLANS[n % PLANS.len()]) },
        "managed_users": format!("{}", rng.random_range(3..200)),
        "contract_term": TERMS[n % TERMS.len()],
        "contract_start_date": format!("20{:02}-0{}-01", 20 + n % 6, 1 + n % 9),
        "company_main_number": format!("+1 555 01{:02}", n % 100),
        "address": if n % 5 == 4 { Value::Null } else { json!(format!("{} Main Street", n + 1)) },
        "profit_or_non_profit": "For Profit",
        "phone_system": null,
        "email_system": "Microsoft 365",
        "favourite_colour": "blue",
    });
    json!({
        "id": department_id(n),
        "name": name,
        "description": if n.is_multiple_of(3) { Value::Null } else { json!("A client of ours") },
        "head_user_id": null,
        "prime_user_id": requester_id(n),
        "domains": if n.is_multiple_of(4) { json!([]) } else { json!([format!("client{n}.example")]) },
        "custom_fields": custom,
        "created_at": "2024-03-01T08:00:15.983Z",
        "updated_at": "2025-06-01T08:00:15.983Z",
    })
}

fn requester(rng: &mut SmallRng, n: usize, companies: usize) -> Value {
    let department = n % companies;
    let departments = match n % 25 {
        7 => json!([]),
        8 => json!([
            department_id(department),
            department_id((department + 1) % companies)
        ]),
        // A department that does not exist (upstreams trap 14).
        9 => json!([999_999_999_999_i64]),
        _ => json!([department_id(department)]),
    };
    let email = match n % 40 {
        11 => Value::Null,
        12 => json!("shared@client.example"),
        _ => json!(format!("person{n}@client{department}.example")),
    };
    json!({
        "id": requester_id(n),
        "is_agent": false,
        "first_name": FIRST.choose(rng),
        "last_name": if n % 10 == 3 { Value::Null } else { json!(LAST.choose(rng)) },
        "job_title": if n.is_multiple_of(2) { json!("Manager") } else { Value::Null },
        "primary_email": email,
        "secondary_emails": if n.is_multiple_of(20) { json!([format!("alias{n}@client.example")]) } else { json!([]) },
        "work_phone_number": if n.is_multiple_of(3) { json!(format!("+1 555 {n:06}")) } else { Value::Null },
        "mobile_phone_number": null,
        "department_ids": departments,
        "department_names": null,
        "reporting_manager_id": null,
        "address": null,
        "time_zone": "Eastern Time (US & Canada)",
        "time_format": "12h",
        "language": "en",
        "location_id": null,
        "background_information": null,
        "custom_fields": if n.is_multiple_of(30) { Value::Null } else { json!({}) },
        "active": n % 17 != 5,
        "has_logged_in": n.is_multiple_of(2),
        "vip_user": n.is_multiple_of(100),
        "external_id": null,
        "created_at": "2024-03-01T08:00:15Z",
        "updated_at": "2025-06-01T08:00:15Z",
    })
}

fn agent(n: usize) -> Value {
    json!({
        "id": big(10_000, n),
        "first_name": FIRST[n % FIRST.len()],
        "last_name": if n == 1 { Value::Null } else { json!(LAST[n % LAST.len()]) },
        "email": format!("agent{n}@msp.example"),
        "active": n % 7 != 6,
        "occasional": false,
        "job_title": "Technician",
        "department_ids": [],
        "member_of": [19_000_234_009_i64],
        "last_login_at": "2026-01-04T17:00:00Z",
        "last_active_at": "2026-01-04T18:00:00Z",
        "created_at": "2023-03-01T08:00:15Z",
        "updated_at": "2025-06-01T08:00:15Z",
    })
}

fn guid(kind: u128, n: usize) -> String {
    Uuid::from_u128((kind << 96) + n as u128 + 1).to_string()
}

/// Uid of the n-th device.
pub fn device_uid(n: usize) -> String {
    guid(0xde, n)
}

fn site(n: usize, uid: String, name: &str, variables: Vec<Value>) -> Site {
    let body = json!({
        "id": 187_000 + n, "uid": uid, "accountUid": "pin000001", "name": name, "description": null,
        "notes": null, "onDemand": name == "OnDemand", "splashtopAutoInstall": false, "proxySettings": null,
        "autotaskCompanyName": null, "autotaskCompanyId": null,
        "portalUrl": format!("https://pinotage.rmm.datto.example/site/{n}"),
    });
    let body = body.as_object().cloned().unwrap_or_default();
    Site {
        uid,
        body,
        variables,
        claimed_count: None,
    }
}

/// One site a department, a second for every tenth, and the three that every account has.
fn sites(rng: &mut SmallRng, departments: &[Value]) -> Vec<Site> {
    let mut sites = Vec::new();
    for (n, department) in departments.iter().enumerate() {
        let number = department["custom_fields"]["account_number"].clone();
        let number = number
            .as_str()
            .map_or_else(|| number.to_string(), str::to_owned);
        let variable = |name: &str, value: Value, masked: bool| json!({"id": 5_000 + n, "name": name, "value": value, "masked": masked});
        let other = variable("Backup", json!("yes"), false);
        let variables = match n % 25 {
            20 => vec![other],
            21 => vec![variable("AccountNumber", json!(""), false)],
            22 => vec![variable("AccountNumber", json!("********"), true)],
            23 => vec![variable(
                "accountnumber",
                json!(format!(" {number} ")),
                false,
            )],
            _ => vec![other, variable("AccountNumber", json!(number), false)],
        };
        let name = department["name"].as_str().unwrap_or_default();
        sites.push(site(n, guid(0x51, n), name, variables.clone()));
        if n % 10 == 1 {
            let branch = format!("{name} Branch {}", rng.random_range(1..9));
            sites.push(site(n + 10_000, guid(0x52, n), &branch, variables));
        }
    }
    sites.push(site(1, guid(0x53, 0), "Managed", Vec::new()));
    sites.push(site(2, guid(0x53, 1), "OnDemand", Vec::new()));
    sites.push(site(
        3,
        DELETED_DEVICES.to_owned(),
        "Deleted Devices",
        Vec::new(),
    ));
    sites
}

fn device(rng: &mut SmallRng, n: usize, site: &Site, now: DateTime<Utc>) -> Device {
    let network = n % 33 == 17;
    let online = !n.is_multiple_of(5);
    let hostname = match n % 50 {
        12 => Value::Null,
        13 => json!(""),
        14 | 15 => json!("DESKTOP-CLONE"),
        _ => json!(format!("PC-{n:05}")),
    };
    let seen = now
        - Duration::minutes(if online {
            2
        } else {
            rng.random_range(60..90_000)
        });
    let mut body = json!({
        "id": 900_000 + n, "uid": device_uid(n), "siteId": site.body["id"], "siteUid": site.uid,
        "siteName": site.body["name"], "hostname": hostname, "deviceClass": "device",
        "deviceType": {"category": KINDS_OF_DEVICE[n % 3], "type": "Workstation"},
        "intIpAddress": format!("10.{}.{}.{}", n % 7, n / 250 % 250, n % 250),
        "extIpAddress": format!("198.51.100.{}", n % 250),
        "operatingSystem": "Microsoft Windows 11 Pro 10.0.26200", "lastLoggedInUser": format!("CORP\\user{n}"),
        "domain": "corp.example", "cagVersion": "11965", "displayVersion": "4.4.11965.11965",
        "description": null, "a64Bit": true, "rebootRequired": n.is_multiple_of(11), "online": online,
        "suspended": false, "deleted": false, "lastSeen": seen.timestamp_millis(),
        "lastReboot": (now - Duration::days(3)).timestamp_millis(),
        "lastAuditDate": if n.is_multiple_of(9) { json!(-62_135_596_800_000_i64) } else { json!(now.timestamp_millis()) },
        "creationDate": 1_700_000_000_000_i64, "snmpEnabled": false,
        "portalUrl": format!("https://pinotage.rmm.datto.example/device/{n}"),
        "webRemoteUrl": format!("https://pinotage.rmm.datto.example/remote/{n}"), "warrantyDate": null,
        "antivirus": {"antivirusProduct": "Windows Defender", "antivirusStatus": "RunningAndUpToDate"},
        "patchManagement": {"patchStatus": "FullyPatched", "patchesApprovedPending": 0,
            "patchesNotApproved": n % 4, "patchesInstalled": 40 + n % 9},
        "softwareStatus": "Compliant", "networkProbe": false, "onboardedViaNetworkMonitor": false,
        "udf": user_fields(n),
    });
    if network {
        for member in [
            "hostname",
            "deviceType",
            "operatingSystem",
            "lastLoggedInUser",
            "domain",
            "a64Bit",
            "rebootRequired",
            "antivirus",
            "patchManagement",
            "udf",
            "extIpAddress",
            "lastReboot",
            "lastAuditDate",
        ] {
            body[member] = Value::Null;
        }
        body["deviceClass"] = json!("rmmnetworkdevice");
    }
    let mac = (n % 41 != 40).then(|| format!("02{:010X}", n + 1));
    Device {
        site: site.uid.clone(),
        mac,
        body: body.as_object().cloned().unwrap_or_default(),
    }
}

fn user_fields(n: usize) -> Value {
    let mut fields: Map<String, Value> = (1..=30)
        .map(|number| (format!("udf{number}"), Value::Null))
        .collect();
    fields.insert("udf2".into(), format!("SECRET-BITLOCKER-{n:06}").into());
    fields.insert("udf4".into(), "Administrator, localadmin".into());
    fields.insert(
        "udf7".into(),
        if n % 3 == 2 { "Server" } else { "Workstation" }.into(),
    );
    if n % 3 == 2 {
        let backup = match n % 4 {
            0 => "549755813888".to_owned(),
            1 => "1.2 TB".to_owned(),
            _ => format!("{}", 1_000_000_000_u64 * (n as u64 % 900)),
        };
        fields.insert("udf6".into(), backup.into());
    }
    fields.insert(
        "udf9".into(),
        if n.is_multiple_of(6) {
            json!("SECRET-WINDOWS-KEY")
        } else {
            Value::Null
        },
    );
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_world() {
        let bytes = |seed| {
            let world = World::generate(Size::S, seed);
            format!(
                "{:?}{:?}{:?}",
                world.departments, world.requesters, world.devices
            )
        };
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
    }
}
