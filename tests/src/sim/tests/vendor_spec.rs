//! Answers against the vendors' own descriptions, where `CODEX_VENDOR_FILES` names a folder that has them.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Map, Value};

use super::*;
use crate::harness::database::setting;

const DATTO: &str = "datto-rmm/datto-rmm-v2-openapi-build235-syrah.json";
const ATTRIBUTES: &str = "freshservice/freshservice-v2-attributes.json";

/// Reads a file of the vendors. They are the vendors' property and therefore not in this repository.
pub(super) fn vendor_file(name: &str) -> anyhow::Result<Option<Value>> {
    let Some(folder) = setting("CODEX_VENDOR_FILES") else {
        eprintln!("SKIPPED: {name} needs CODEX_VENDOR_FILES");
        return Ok(None);
    };
    let text = std::fs::read_to_string(Path::new(&folder).join(name))?;
    Ok(Some(serde_json::from_str(&text)?))
}

/// Compares values with an OpenAPI document and collects what differs.
struct Checker<'s> {
    spec: &'s Value,
    differences: BTreeSet<String>,
}

impl Checker<'_> {
    /// Deviations of the wire from the document are those of vendors 2.6: anything may be null, times are numbers,
    /// devices have `udf`.
    fn check(&mut self, at: &str, value: &Value, schema: &Value) {
        let schema = self.resolved(schema);
        if value.is_null() {
            return;
        }
        if let Some(known) = schema["enum"].as_array()
            && !known.contains(value)
        {
            self.differ(format!("{at}: {value} is not among {known:?}"));
        }
        let is_time = schema["format"] == "date-time";
        let fits = match schema["type"].as_str() {
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("string") => value.is_string() || (is_time && value.is_i64()),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            // A schema with members is an object even where the document leaves the type out.
            Some("object") | None => value.is_object(),
            Some(other) => panic!("{at}: a schema of type {other}"),
        };
        if !fits {
            return self.differ(format!("{at}: {value} is no {}", schema["type"]));
        }
        match value {
            Value::Array(items) => {
                for item in items {
                    self.check(&format!("{at}[]"), item, &schema["items"]);
                }
            }
            Value::Object(members) => self.members(at, members, &schema),
            _ => {}
        }
    }

    fn members(&mut self, at: &str, members: &Map<String, Value>, schema: &Value) {
        let none = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&none);
        for (name, value) in members {
            let at = format!("{at}.{name}");
            match known.get(name).or(schema.get("additionalProperties")) {
                Some(schema) => self.check(&at, value, schema),
                None if at.ends_with("devices[].udf") || at == "device.udf" => {}
                None => self.differ(format!("{at} is not documented")),
            }
        }
        // The vendor sends null and does not leave out (vendors 2.6).
        for name in known.keys().filter(|name| !members.contains_key(*name)) {
            self.differ(format!("{at}.{name} is missing"));
        }
    }

    fn differ(&mut self, what: String) {
        self.differences.insert(what);
    }

    fn resolved(&self, schema: &Value) -> Value {
        let Some(name) = schema["$ref"].as_str() else {
            return schema.clone();
        };
        let name = name.trim_start_matches("#/components/schemas/");
        self.spec["components"]["schemas"][name].clone()
    }
}

#[tokio::test]
async fn simulated_answers_match_the_datto_description() -> anyhow::Result<()> {
    let Some(spec) = vendor_file(DATTO)? else {
        return Ok(());
    };
    let options = datto::Options {
        limits: false,
        ..Default::default()
    };
    let sim = SimClient::with(World::generate(Size::S, 1), options).await?;
    let (sites, devices) = {
        let world = sim.world.lock();
        let sites: Vec<String> = world.sites.iter().map(|site| site.uid.clone()).collect();
        let devices = world.devices.iter().take(100);
        let uid = |device: &world::Device| device.body["uid"].as_str().map(str::to_owned);
        (sites, devices.filter_map(uid).collect::<Vec<_>>())
    };
    let mut calls: Vec<(String, &str)> = vec![
        ("account".into(), "/v2/account"),
        ("account/sites".into(), "/v2/account/sites"),
        ("system/request_rate".into(), "/v2/system/request_rate"),
        ("system/pagination".into(), "/v2/system/pagination"),
        ("system/status".into(), "/v2/system/status"),
    ];
    calls.extend((0..12).map(|n| (format!("account/devices?page={n}"), "/v2/account/devices")));
    for uid in &sites {
        for (rest, path) in [
            ("", "/v2/site/{siteUid}"),
            ("/devices", "/v2/site/{siteUid}/devices"),
            ("/variables", "/v2/site/{siteUid}/variables"),
            (
                "/devices/network-interface",
                "/v2/site/{siteUid}/devices/network-interface",
            ),
        ] {
            calls.push((format!("site/{uid}{rest}"), path));
        }
    }
    calls.extend(
        devices
            .iter()
            .map(|uid| (format!("device/{uid}"), "/v2/device/{deviceUid}")),
    );
    let mut checker = Checker {
        spec: &spec,
        differences: BTreeSet::new(),
    };
    let content = |answer: &Value| answer["content"]["application/json"]["schema"].clone();
    for (call, path) in calls {
        let schema = content(&spec["paths"][path]["get"]["responses"]["200"]);
        anyhow::ensure!(schema.is_object(), "{path} is not described");
        let body = sim.body(&call).await?;
        let at = if path.contains("/device/") {
            "device"
        } else {
            path
        };
        checker.check(at, &body, &schema);
    }
    let schema = content(&spec["paths"]["/v2/account/devices"]["get"]["responses"]["404"]);
    let missing: Value = sim.get("device/none").await?.json().await?;
    checker.check("404", &missing, &schema);
    assert_eq!(checker.differences, BTreeSet::new());
    Ok(())
}

/// The checker itself must be able to fail.
#[test]
fn checker_finds_differences() {
    let spec = serde_json::json!({"components": {"schemas": {"Site": {"type": "object", "properties": {
        "id": {"type": "integer"}, "name": {"type": "string"}, "kind": {"type": "string", "enum": ["a"]},
        "seen": {"type": "string", "format": "date-time"}}}}}});
    let schema =
        serde_json::json!({"type": "array", "items": {"$ref": "#/components/schemas/Site"}});
    let found = |value: Value| {
        let mut checker = Checker {
            spec: &spec,
            differences: BTreeSet::new(),
        };
        checker.check("x", &value, &schema);
        checker.differences.into_iter().collect::<Vec<_>>()
    };
    let with = |name: &str, value: Value| {
        let mut site = serde_json::json!({"id": 1, "name": null, "kind": "a", "seen": 5});
        site[name] = value;
        serde_json::json!([site])
    };
    assert!(found(with("id", 1.into())).is_empty());
    assert_eq!(
        found(with("id", "1".into())),
        ["x[].id: \"1\" is no \"integer\""]
    );
    assert_eq!(
        found(with("colour", 1.into())),
        ["x[].colour is not documented"]
    );
    assert_eq!(found(with("kind", "b".into())).len(), 1);
    assert_eq!(
        found(serde_json::json!([{"id": 1, "name": "n", "kind": "a"}])),
        ["x[].seen is missing"]
    );
    assert_eq!(found(serde_json::json!({})).len(), 1);
}

/// Members that real answers have and the reference does not (vendors 1.7).
const UNDOCUMENTED: [&str; 9] = [
    "department_names",
    "location_name",
    "vip_user",
    "can_see_all_changes_from_associated_departments",
    "auto_assign_tickets",
    "signature",
    "last_login_at",
    "last_active_at",
    "can_see_all_tickets_from_associated_workspace_ids",
];

/// Members that real department lists leave out (vendors 1.6).
const LEFT_OUT: [&str; 1] = ["workspace_id"];

async fn freshservice_differences(
    attributes: &Value,
    msp_mode: bool,
) -> anyhow::Result<BTreeSet<String>> {
    let options = freshservice::Options {
        limits: false,
        msp_mode,
        ..Default::default()
    };
    let world = SharedWorld::new(World::generate(Size::S, 1));
    let server = freshservice::Freshservice::start(world, options).await?;
    let mut found = BTreeSet::new();
    for (list, singular) in [
        ("departments", "department"),
        ("requesters", "requester"),
        ("agents", "agent"),
    ] {
        let documented: BTreeSet<String> = attributes[singular]["attributes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|attribute| Some(attribute["name"].as_str()?.to_lowercase()))
            .collect();
        anyhow::ensure!(!documented.is_empty(), "{singular} is not described");
        let edition = if msp_mode && list != "agents" {
            "_msp"
        } else {
            ""
        };
        let sample = vendor_file(&format!(
            "freshservice/doc-samples/{list}_list{edition}.json"
        ))?;
        let sample = sample.unwrap_or_default();
        let url = format!("{}/api/v2/{list}?per_page=100", server.url());
        let call = http().get(url).basic_auth(freshservice::API_KEY, Some("X"));
        let body: Value = call.send().await?.json().await?;
        let only = |body: &Value| -> Option<(String, Vec<Value>)> {
            let (name, items) = body.as_object()?.iter().next()?;
            Some((name.clone(), items.as_array()?.clone()))
        };
        let (name, items) = only(&body).unwrap_or_default();
        let (sample_name, samples) = only(&sample).unwrap_or_default();
        if name != sample_name {
            found.insert(format!("{list}: under {name} and not {sample_name}"));
        }
        let sample = samples.first().cloned().unwrap_or_default();
        for item in items.iter().filter_map(Value::as_object) {
            for (member, value) in item {
                if !documented.contains(member) && !UNDOCUMENTED.contains(&member.as_str()) {
                    found.insert(format!("{list}: {member} is not documented"));
                }
                let shown = sample.get(member).unwrap_or(&Value::Null);
                let same = std::mem::discriminant(shown) == std::mem::discriminant(value);
                if !shown.is_null() && !value.is_null() && !same && !shown.is_boolean() {
                    found.insert(format!(
                        "{list}: {member} is {value}, in the sample {shown}"
                    ));
                }
            }
            let members = sample
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name);
            for member in members.filter(|name| !LEFT_OUT.contains(&name.as_str())) {
                if !item.contains_key(member) {
                    found.insert(format!("{list}: {member} is missing"));
                }
            }
        }
    }
    Ok(found)
}

#[tokio::test]
async fn simulated_answers_match_freshservice_attributes() -> anyhow::Result<()> {
    let Some(attributes) = vendor_file(ATTRIBUTES)? else {
        return Ok(());
    };
    for msp_mode in [false, true] {
        let found = freshservice_differences(&attributes, msp_mode).await?;
        assert_eq!(found, BTreeSet::new(), "MSP edition: {msp_mode}");
    }
    Ok(())
}
