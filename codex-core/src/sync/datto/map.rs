//! Datto's items to our fields (contract 3.7, upstreams 2.6).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::NAME;
use crate::{
    assets::{Asset, AssetStatus},
    site_links::SiteLink,
    sync::{
        Incoming, ItemError,
        item::{Item, number, text},
        time,
    },
};

/// Sites that every account starts with; they are no customers (upstreams 2.7).
const SYSTEM_SITES: [&str; 4] = ["managed", "ondemand", "on demand", "deleted devices"];

/// A site.
pub(super) fn site(value: &Value) -> Result<Incoming<SiteLink>, ItemError> {
    let mut item = Item::new("site", value)?;
    let uid = item.id("uid", false)?;
    let name = item.take("name").as_ref().and_then(text);
    item.state("provider", NAME);
    item.state("site_uid", uid.as_str());
    item.state("system_site", system_site(name.as_deref(), &uid));
    item.state("site_name", name);
    item.flag("onDemand", "on_demand");
    item.text("portalUrl", "portal_url");
    // Counts move with every poll; notes and proxy settings have been seen to hold secrets (trap 61a).
    for dropped in ["devicesStatus", "proxySettings", "notes"] {
        item.take(dropped);
    }
    let (fields, extra) = item.finish();
    Ok(Incoming {
        external_id: uid,
        scope: "sites".into(),
        fields,
        extra,
        status: None,
        secrets: BTreeMap::new(),
        source_updated_at: None,
    })
}

fn system_site(name: Option<&str>, uid: &str) -> bool {
    let name = name.unwrap_or_default().trim().to_lowercase();
    SYSTEM_SITES.contains(&name.as_str()) || !is_guid(uid)
}

/// Whether this is the site to which deleted devices are moved.
pub(super) fn deleted_devices_site(value: &Value) -> bool {
    let name = value
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    name.trim().eq_ignore_ascii_case("deleted devices")
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
    let named = |variable: &&Value| {
        let name = variable
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        name.trim().eq_ignore_ascii_case("accountnumber")
    };
    let Some(variable) = variables.iter().find(named) else {
        return Variable::Missing;
    };
    let value = variable
        .get("value")
        .and_then(text)
        .map(|value| value.trim().to_owned());
    match value {
        None => Variable::Empty,
        _ if variable.get("masked") == Some(&Value::Bool(true)) => Variable::Masked,
        // A masked value is shown as stars even where the flag is missing.
        Some(value) if value.chars().all(|c| c == '*') => Variable::Masked,
        Some(value) => Variable::Number(value),
    }
}

/// Whether the device is flagged as deleted.
pub(super) fn device_deleted(value: &Value) -> bool {
    value.get("deleted") == Some(&Value::Bool(true))
}

/// A device: an asset.
pub(super) fn device(value: &Value, secret_udfs: &[String]) -> Result<Incoming<Asset>, ItemError> {
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
        ("warrantyDate", "warranty_date"),
    ] {
        item.text(member, field);
    }
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
    // builds hold the same secrets as `udf` (upstreams 2.6).
    for dropped in ["siteId", "deleted", "udfs"] {
        item.take(dropped);
    }
    let site = item
        .stated("site_uid")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let scope = format!("site:{site}");
    let (fields, extra) = item.finish();
    Ok(Incoming {
        external_id: uid,
        scope,
        fields,
        extra,
        status: Some(status),
        secrets,
        source_updated_at: None,
    })
}

/// Takes what moves with every poll.
fn status(item: &mut Item) -> AssetStatus {
    let patches = item.nested("patchManagement");
    let count = |name| patches.get(name).and_then(number);
    let mut when = |member| item.take(member).as_ref().and_then(time::parse);
    let (last_seen, last_reboot, last_audit_date) =
        (when("lastSeen"), when("lastReboot"), when("lastAuditDate"));
    AssetStatus {
        online: item.take("online").and_then(|flag| flag.as_bool()),
        last_seen,
        last_reboot,
        last_audit_date,
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
        let value = text(value);
        if secret.contains(name) {
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

/// A number of bytes as people write it; anything with a unit or words is unknown, not guessed.
fn bytes(value: &Value) -> Option<i64> {
    let digits: String = value
        .as_str()?
        .trim()
        .chars()
        .filter(|c| !matches!(c, ',' | ' '))
        .collect();
    digits.parse().ok().filter(|bytes| *bytes > 0)
}

/// A device of the network-interface route: its uid and its first real hardware address.
pub(super) fn interfaces(value: &Value) -> Result<(String, Option<String>), ItemError> {
    let mut item = Item::new("network interfaces of device", value)?;
    let uid = item.id("uid", false)?;
    let nics = item.take("nics");
    let nics = nics
        .as_ref()
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let address = nics
        .iter()
        .find_map(|nic| hardware_address(nic.get("macAddress")?.as_str()?));
    Ok((uid, address))
}

/// Twelve hexadecimal digits, in pairs with colons; not the empty and not the broadcast address.
fn hardware_address(text: &str) -> Option<String> {
    let digits: Vec<char> = text
        .chars()
        .filter(char::is_ascii_hexdigit)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let same = digits.iter().all(|c| *c == '0') || digits.iter().all(|c| *c == 'F');
    (digits.len() == 12 && !same).then(|| {
        let pairs: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
        pairs.join(":")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapped(value: &Value) -> Incoming<Asset> {
        device(value, &["udf2".into(), "udf9".into()]).unwrap()
    }

    #[test]
    fn trap_53_and_61c_a_device_of_nulls_is_a_device() {
        let asset = mapped(
            &json!({"uid": "a", "hostname": null, "deviceType": null, "antivirus": null,
            "patchManagement": null, "udf": null, "lastSeen": null, "siteName": null, "a64Bit": null}),
        );
        assert_eq!(asset.fields["hostname"], Value::Null);
        assert!(!asset.fields.contains_key("udf"));
        assert_eq!(asset.status, Some(AssetStatus::default()));
    }

    #[test]
    fn trap_61b_a_uid_that_is_a_number_is_a_fault_of_that_item() {
        assert!(device(&json!({"uid": 5}), &[]).is_err());
        assert!(device(&json!({"hostname": "h"}), &[]).is_err());
    }

    #[test]
    fn trap_61a_secret_fields_go_nowhere_but_to_the_secrets() {
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

    #[test]
    fn trap_55_fields_beyond_thirty_are_kept_and_backup_rubbish_is_unknown() {
        let backup =
            |text: &str| mapped(&json!({"uid": "a", "udf": {"udf6": text, "udf300": "z"}})).fields;
        assert_eq!(backup("1,234")["backup_bytes"], 1234);
        assert_eq!(backup("1.2 TB")["backup_bytes"], Value::Null);
        assert_eq!(backup("N/A")["backup_bytes"], Value::Null);
        assert_eq!(backup("")["udf"], json!({"udf300": "z"}));
    }

    #[test]
    fn trap_45_the_account_number_is_found_whatever_its_case_and_masks_are_none() {
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

    #[test]
    fn trap_43_system_sites_are_known_by_name_or_uid() {
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
    fn the_first_real_hardware_address_is_taken() {
        let (_, address) = interfaces(&json!({"uid": "a", "nics": [
            {"macAddress": "00:00:00:00:00:00"}, {"macAddress": null}, {"macAddress": "aabbccddeeff"}]})).unwrap();
        assert_eq!(address.as_deref(), Some("AA:BB:CC:DD:EE:FF"));
    }
}
