//! Datto's items to our fields (contract 3.7, vendors 2.6).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::NAME;
use crate::{
    assets::{Asset, AssetStatus},
    dates::EVENTS,
    records::{ItemError, SourceRecord},
    site_links::SiteLink,
    sync::engine::item::{Item, any_text, number, text},
};

/// Sites that every account starts with; they are no customers (vendors 2.7).
const SYSTEM_SITES: [&str; 4] = ["managed", "ondemand", "on demand", "deleted devices"];

/// A site.
pub(super) fn site(value: &Value) -> Result<SourceRecord<SiteLink>, ItemError> {
    let mut item = Item::new("site", value)?;
    let uid = item.id("uid", false)?;
    let name = item.take("name").as_ref().and_then(text);
    item.state("provider", NAME);
    item.state("site_uid", uid.as_str());
    item.state("system_site", system_site(name.as_deref(), &uid));
    item.state("site_name", name);
    item.flag("onDemand", "on_demand");
    item.text("portalUrl", "portal_url");
    item.drop_volatile(&["devicesStatus"]);
    // Notes and proxy settings have been seen to hold secrets (trap 61a).
    for secret in ["proxySettings", "notes"] {
        item.take(secret);
    }
    Ok(item.into_incoming(uid, "sites"))
}

fn system_site(name: Option<&str>, uid: &str) -> bool {
    let name = name.unwrap_or_default().trim().to_lowercase();
    SYSTEM_SITES.contains(&name.as_str()) || !is_guid(uid)
}

/// Whether this is the site to which deleted devices are moved. It alone has a uid that is no GUID
/// (vendors 2.7); by its name alone a customer's site could take its devices' records away.
pub(super) fn deleted_devices_site(value: &Value) -> bool {
    let name = value
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let uid = value.get("uid").and_then(Value::as_str).unwrap_or_default();
    name.trim().eq_ignore_ascii_case("deleted devices") && !is_guid(uid)
}

fn is_guid(uid: &str) -> bool {
    let lengths = uid.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && uid.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// A site's own count of its devices.
pub(super) fn device_count(site: &Value) -> Option<u64> {
    site.get("devicesStatus")?.get("numberOfDevices")?.as_u64()
}

/// What a site's variables say about its account number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Variable {
    Number(String),
    Masked,
    Empty,
    Missing,
}

/// Finds the variable `AccountNumber`, whatever its case and spaces (trap 45).
pub(super) fn account_number(variables: &[Value]) -> Variable {
    // Names that differ in case are different variables to the vendor: one with a number wins.
    let named = variables
        .iter()
        .filter(|variable| is_account_number(variable));
    let found = named.map(variable);
    found
        .min_by_key(Variable::rank)
        .unwrap_or(Variable::Missing)
}

/// Whether a variable is called `AccountNumber`, whatever its case and spaces.
pub(super) fn is_account_number(variable: &Value) -> bool {
    let name = variable.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default().trim();
    name.eq_ignore_ascii_case("accountnumber")
}

impl Variable {
    fn rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Masked => 1,
            Self::Empty => 2,
            Self::Missing => 3,
        }
    }
}

fn variable(variable: &Value) -> Variable {
    match variable.get("value").and_then(text) {
        None => Variable::Empty,
        _ if variable.get("masked") == Some(&Value::Bool(true)) => Variable::Masked,
        // A masked value is shown as stars even where the flag is missing.
        Some(value) if value.trim().chars().all(|c| c == '*') => Variable::Masked,
        Some(value) => Variable::Number(value.trim().to_owned()),
    }
}

/// The uid in a member, as [`Item::id`] reads it.
pub(super) fn uid<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    let uid = value.get(member)?.as_str()?.trim();
    (!uid.is_empty()).then_some(uid)
}

/// Whether the device is flagged as deleted.
pub(super) fn device_deleted(value: &Value) -> bool {
    value.get("deleted") == Some(&Value::Bool(true))
}

/// A device: an asset.
pub(super) fn device(
    value: &Value,
    secret_udfs: &[String],
) -> Result<SourceRecord<Asset>, ItemError> {
    let mut item = Item::new("device", value)?;
    let uid = item.id("uid", false)?;
    item.state("device_uid", uid.as_str());
    item.state("rmm_provider", NAME);
    for (member, field) in [
        ("hostname", "hostname"),
        ("siteUid", "site_uid"),
        ("siteName", "site_name"),
        ("deviceClass", "device_class"),
        ("operatingSystem", "operating_system"),
        ("domain", "domain"),
        ("description", "description"),
        ("intIpAddress", "int_ip_address"),
        ("portalUrl", "portal_url"),
        ("webRemoteUrl", "web_remote_url"),
    ] {
        item.text(member, field);
    }
    if let Some(site) = item.stated("site_uid").and_then(text) {
        item.state("site_uid", site.trim());
    }
    item.date("warrantyDate", "warranty_date", &EVENTS);
    item.flag("suspended", "suspended");
    if let Some(kind) = item.take("deviceType") {
        item.state("hardware_type", kind.get("category").and_then(text));
    }
    if let Some(antivirus) = item.take("antivirus") {
        item.state(
            "antivirus_product",
            antivirus.get("antivirusProduct").and_then(text),
        );
        item.state(
            "antivirus_status",
            antivirus.get("antivirusStatus").and_then(text),
        );
    }
    let status = status(&mut item);
    let secrets = user_fields(&mut item, secret_udfs);
    // Site id and deletion flag say nothing that is not said elsewhere; the typed fields of newer
    // builds hold the same secrets as `udf` (vendors 2.6).
    for dropped in ["siteId", "deleted", "udfs"] {
        item.take(dropped);
    }
    let site = item
        .stated("site_uid")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let scope = format!("site:{site}");
    let mut incoming = item.into_incoming(uid, &scope);
    incoming.status = Some(status);
    incoming.secrets = secrets;
    Ok(incoming)
}

/// Takes what moves with every poll.
fn status(item: &mut Item) -> AssetStatus {
    let patches = item.nested("patchManagement");
    let count = |name| patches.get(name).and_then(number);
    AssetStatus {
        online: item.take("online").and_then(|flag| flag.as_bool()),
        last_seen: item.take_time("lastSeen"),
        last_reboot: item.take_time("lastReboot"),
        last_audit_date: item.take_time("lastAuditDate"),
        last_logged_in_user: item.take("lastLoggedInUser").as_ref().and_then(text),
        ext_ip_address: item.take("extIpAddress").as_ref().and_then(text),
        patch_status: patches.get("patchStatus").and_then(text),
        patches_installed: count("patchesInstalled"),
        patches_approved_pending: count("patchesApprovedPending"),
        patches_not_approved: count("patchesNotApproved"),
        reboot_required: item.take("rebootRequired").and_then(|flag| flag.as_bool()),
    }
}

/// Takes the user-defined fields; gives the secret ones. Where the vendor sends none, nothing is
/// stated: absent is not cleared (trap 55).
fn user_fields(item: &mut Item, secret: &[String]) -> BTreeMap<String, Option<String>> {
    let Some(Value::Object(udf)) = item.take("udf") else {
        return BTreeMap::new();
    };
    let mut plain = Map::new();
    let mut secrets = BTreeMap::new();
    for (name, value) in &udf {
        let value = any_text(value);
        let same = |known: &String| known.trim().eq_ignore_ascii_case(name.trim());
        if secret.iter().any(same) {
            secrets.insert(name.clone(), value);
        } else if let Some(value) = value {
            plain.insert(name.clone(), value.into());
        }
    }
    let of = |name: &str| plain.get(name).cloned();
    item.state("enabled_administrators", of("udf4"));
    item.state("backup_bytes", of("udf6").as_ref().and_then(bytes));
    item.state("device_type", of("udf7"));
    item.state("udf", plain);
    secrets
}

/// A number of bytes as people write it. What has a unit, words or more than one reading (`1,5`, `1.234`)
/// is unknown, not guessed; none at all is unknown too (contract 3.7).
fn bytes(value: &Value) -> Option<i64> {
    let text = value.as_str()?.trim();
    let whole = text.strip_suffix(".0").unwrap_or(text);
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    if !rest.is_empty() && (first.is_empty() || first.len() > 3) {
        return None;
    }
    if rest.iter().any(|group| group.len() != 3) {
        return None;
    }
    let digits = whole.replace(',', "");
    digits.parse().ok().filter(|bytes| *bytes > 0)
}

/// A device of the network-interface route: its uid and its first real hardware address.
pub(super) fn interfaces(value: &Value) -> Result<(String, Option<String>), ItemError> {
    let mut item = Item::new("network interfaces of device", value)?;
    let uid = item.id("uid", false)?;
    let nics = item.take("nics");
    let nics: &[Value] = match &nics {
        None | Some(Value::Null) => &[],
        Some(Value::Array(nics)) => nics.as_slice(),
        Some(_) => return Err(item.fault("`nics` is not a list")),
    };
    let addresses = nics
        .iter()
        .filter_map(|nic| hardware_address(nic.get("macAddress")?.as_str()?));
    // Addresses that software makes up (containers, virtual switches) repeat from machine to machine, so
    // they are second choice: returning devices are known by their address.
    let address = addresses.min_by_key(|address| made_up(address));
    Ok((uid, address))
}

/// Twelve hexadecimal digits, in pairs with colons; not the empty one and none of a group of receivers.
fn hardware_address(text: &str) -> Option<String> {
    let digits: Vec<char> = text
        .chars()
        .filter(char::is_ascii_hexdigit)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let empty = digits.iter().all(|c| *c == '0');
    (digits.len() == 12 && !empty && first_byte(&digits) & 1 == 0).then(|| {
        let pairs: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
        pairs.join(":")
    })
}

/// The bit that says that no maker gave the address.
fn made_up(address: &str) -> bool {
    let digits: Vec<char> = address.chars().take(2).collect();
    first_byte(&digits) & 2 != 0
}

fn first_byte(digits: &[char]) -> u32 {
    let digits = digits.iter().take(2).filter_map(|c| c.to_digit(16));
    digits.fold(0, |byte, digit| byte << 4 | digit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapped(value: &Value) -> SourceRecord<Asset> {
        device(value, &["udf2".into(), "udf9".into()]).unwrap()
    }

    /// Traps 53 and 61c.
    #[test]
    fn device_of_nulls_is_mapped() {
        let asset = mapped(
            &json!({"uid": "a", "hostname": null, "deviceType": null, "antivirus": null,
            "patchManagement": null, "udf": null, "lastSeen": null, "siteName": null, "a64Bit": null}),
        );
        assert_eq!(asset.fields["hostname"], Value::Null);
        assert!(!asset.fields.contains_key("udf"));
        assert_eq!(asset.status, Some(AssetStatus::default()));
    }

    /// Trap 61b.
    #[test]
    fn device_without_a_text_uid_is_a_fault() {
        assert!(device(&json!({"uid": 5}), &[]).is_err());
        assert!(device(&json!({"hostname": "h"}), &[]).is_err());
    }

    /// Trap 61a.
    #[test]
    fn secret_fields_are_kept_in_the_secrets_only() {
        let asset = mapped(&json!({"uid": "a", "udf": {"udf1": "x", "udf2": "KEY", "udf9": null}}));
        assert_eq!(asset.secrets["udf2"].as_deref(), Some("KEY"));
        assert_eq!(asset.secrets["udf9"], None);
        let typed = mapped(&json!({"uid": "a", "udfs": [{"ordinal": 2, "valueString": "KEY"}]}));
        let rest = format!("{:?}{:?}{:?}", asset.fields, asset.extra, typed.extra);
        assert!(!rest.contains("KEY"));
        let site = site(
            &json!({"uid": "u", "name": "S", "notes": "pw", "proxySettings": {"password": "p"}}),
        );
        assert!(site.unwrap().extra.is_empty());
    }

    /// Trap 55. A backup size that cannot be read is unknown.
    #[test]
    fn user_fields_beyond_30_are_kept() {
        let backup =
            |text: &str| mapped(&json!({"uid": "a", "udf": {"udf6": text, "udf300": "z"}})).fields;
        assert_eq!(backup("1,234")["backup_bytes"], 1234);
        assert_eq!(backup("1.2 TB")["backup_bytes"], Value::Null);
        assert_eq!(backup("N/A")["backup_bytes"], Value::Null);
        assert_eq!(backup("")["udf"], json!({"udf300": "z"}));
    }

    /// Trap 45. A masked value is no number.
    #[test]
    fn account_number_is_found_in_any_case() {
        let of = |name: &str, value: Value, masked: bool| {
            account_number(&[
                json!({"name": "x"}),
                json!({"name": name, "value": value, "masked": masked}),
            ])
        };
        assert_eq!(
            of(" accountnumber", json!(" 100 "), false),
            Variable::Number("100".into())
        );
        assert_eq!(of("AccountNumber", json!("****"), false), Variable::Masked);
        assert_eq!(of("AccountNumber", json!("123"), true), Variable::Masked);
        assert_eq!(of("AccountNumber", json!(""), false), Variable::Empty);
        assert_eq!(account_number(&[]), Variable::Missing);
    }

    /// Trap 43.
    #[test]
    fn system_sites_are_known_by_name_or_uid() {
        assert!(system_site(
            Some("Managed"),
            "6f0d8f1e-0000-4000-8000-000000000001"
        ));
        assert!(system_site(Some("Acme"), "deleted-devices"));
        assert!(!system_site(
            Some("Acme"),
            "6f0d8f1e-0000-4000-8000-000000000001"
        ));
    }

    #[test]
    fn first_valid_mac_address_is_used() {
        let (_, address) = interfaces(&json!({"uid": "a", "nics": [
            {"macAddress": "00:00:00:00:00:00"}, {"macAddress": null}, {"macAddress": "aabbccddeeff"}]})).unwrap();
        assert_eq!(address.as_deref(), Some("AA:BB:CC:DD:EE:FF"));
    }

    /// A sample of the vendor, from the folder that `CODEX_VENDOR_FILES` names: it is the vendor's property.
    fn samples(name: &str) -> Option<Value> {
        let Some(folder) = std::env::var_os("CODEX_VENDOR_FILES") else {
            eprintln!("SKIPPED: {name} needs CODEX_VENDOR_FILES");
            return None;
        };
        let file = std::path::Path::new(&folder).join(name);
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    #[test]
    fn vendor_samples_match_the_field_types() {
        let folder = "datto-rmm/sample-shapes-pncit/";
        for page in ["devicesPage1.json", "devicesPage2.json"] {
            for item in samples(&format!("{folder}{page}"))
                .iter()
                .flat_map(|s| s["devices"].as_array().unwrap())
            {
                let asset = mapped(item);
                crate::records::resolve::typed::<crate::assets::AssetFields>(
                    "asset",
                    &asset.fields,
                )
                .unwrap();
                assert_eq!(asset.scope, "site:site-uid-1");
                assert_eq!(asset.status.unwrap().patches_installed, Some(100));
            }
        }
    }

    #[test]
    fn volatile_values_are_in_the_status_only() {
        let item = |seen: i64, flag: bool, text: &str| {
            mapped(
                &json!({"uid": "a", "hostname": "h", "online": flag, "lastSeen": seen, "lastReboot": seen,
                "lastAuditDate": seen, "lastLoggedInUser": text, "extIpAddress": text, "rebootRequired": flag,
                "patchManagement": {"patchStatus": text, "patchesInstalled": seen,
                    "patchesApprovedPending": seen, "patchesNotApproved": seen}}),
            )
        };
        let (one, other) = (
            item(1_700_000_000_000, true, "x"),
            item(1_700_000_060_000, false, "y"),
        );
        assert_eq!((one.fields, one.extra), (other.fields, other.extra));
        assert_ne!(one.status, other.status);
    }

    /// Trap 61a.
    #[test]
    fn secret_fields_are_recognized_in_any_case_and_form() {
        let value = json!({"uid": "a", "udf": {"udf2": "KEY", "udf4": "ADMINS"},
            "udfs": [{"ordinal": 2, "valueString": "KEY"}]});
        let asset = device(&value, &["UDF2".into(), " udf4 ".into()]).unwrap();
        assert_eq!(asset.secrets["udf2"].as_deref(), Some("KEY"));
        let rest = format!("{:?}{:?}{:?}", asset.fields, asset.extra, asset.status);
        assert!(!rest.contains("KEY") && !rest.contains("ADMINS"), "{rest}");
    }

    /// Trap 55.
    #[test]
    fn absent_user_fields_are_not_cleared() {
        for item in [json!({"uid": "a"}), json!({"uid": "a", "udf": null})] {
            let asset = mapped(&item);
            for field in [
                "udf",
                "enabled_administrators",
                "backup_bytes",
                "device_type",
            ] {
                assert!(!asset.fields.contains_key(field), "{field}");
            }
            assert!(asset.secrets.is_empty());
        }
        let asset = mapped(&json!({"uid": "a", "udf": {"udf4": "x", "udf7": null}}));
        assert_eq!(asset.fields["enabled_administrators"], "x");
        assert_eq!(asset.fields["device_type"], Value::Null);
    }

    /// Trap 55.
    #[test]
    fn ambiguous_byte_counts_are_unknown() {
        for (text, bytes) in [
            ("1,234,567", Some(1_234_567)),
            ("1234", Some(1234)),
            (" 12 ", Some(12)),
            ("1234.0", Some(1234)),
            ("1,5", None),
            ("1.234", None),
            ("12,34", None),
            (",1", None),
            ("-5", None),
            ("0", None),
            ("1e3", None),
            ("99999999999999999999", None),
        ] {
            let fields = mapped(&json!({"uid": "a", "udf": {"udf6": text}})).fields;
            assert_eq!(fields["backup_bytes"].as_i64(), bytes, "{text}");
        }
        let number = mapped(&json!({"uid": "a", "udf": {"udf6": 5_000_000_000_i64}}));
        assert_eq!(number.fields["backup_bytes"], 5_000_000_000_i64);
    }

    /// Trap 43. Even when it has the same name.
    #[test]
    fn customer_site_is_not_the_deleted_devices_site() {
        let of = |name: &str, uid: &str| deleted_devices_site(&json!({"name": name, "uid": uid}));
        assert!(of(" deleted devices ", "del-0001"));
        assert!(!of(
            "Deleted Devices",
            "6f0d8f1e-0000-4000-8000-000000000001"
        ));
        assert!(!of("Acme", "del-0001"));
    }

    #[test]
    fn manufacturer_mac_is_preferred_to_a_generated_one() {
        let of = |nics: Value| interfaces(&json!({"uid": "a", "nics": nics})).unwrap().1;
        let docker = json!({"macAddress": "02:42:AC:11:00:02"});
        let real = json!({"macAddress": "00-1A-2B-3C-4D-5E"});
        assert_eq!(
            of(json!([docker, real])).as_deref(),
            Some("00:1A:2B:3C:4D:5E")
        );
        assert_eq!(of(json!([docker])).as_deref(), Some("02:42:AC:11:00:02"));
        assert_eq!(of(json!([{"macAddress": "01:00:5E:00:00:FB"}])), None);
        assert_eq!(of(json!([{"macAddress": "00:00:00:00:00:00:00:E0"}])), None);
        assert_eq!(of(json!(null)), None);
    }

    /// Trap 45.
    #[test]
    fn readable_account_number_wins_over_an_empty_one() {
        let all = [
            json!({"name": "AccountNumber", "value": ""}),
            json!({"name": "accountnumber ", "value": 7}),
            json!(null),
        ];
        assert_eq!(account_number(&all), Variable::Number("7".into()));
    }
}
