//! Assets, and who uses them.

use std::collections::HashMap;

use chrono::DateTime;
use serde_json::Value;

use super::{
    Made, OldFlaw, Options,
    companies::{NOBODY, Numbers},
    database::Writer,
    id_of, is_each,
    people::NO_CONTACT,
    row::{Cell, Row},
};
use crate::sim::{World, world::Device};

/// Bytes of a terabyte, as the former service counted.
const TB: f64 = 1_099_511_627_776.0;
/// Devices up to here have a number in their links that is too short for an id.
const SHORT_NUMBERS: usize = 100;
const UDFS: [&str; 10] = [
    "udf1", "udf2", "udf3", "udf4", "udf5", "udf6", "udf7", "udf8", "udf9", "udf10",
];
const ASSETS: &str = "assets";
const LINKS: &str = "asset_contact_link";

/// A device as the former service saw it.
struct Seen<'w> {
    n: usize,
    device: &'w Device,
    number: &'w String,
    host: &'w str,
}

fn member<'d>(device: &'d Device, name: &str) -> &'d Value {
    device.body.get(name).unwrap_or(&Value::Null)
}

/// The devices that the former service stored: those with a host name at a site of a company.
fn seen<'w>(world: &'w World, numbers: &'w Numbers) -> Vec<Seen<'w>> {
    let sites: HashMap<&str, &String> = world
        .sites
        .iter()
        .filter_map(|site| Some((site.uid.as_str(), numbers.of_site(site)?)))
        .collect();
    let devices = world.devices.iter().enumerate();
    let stored = devices.filter_map(|(n, device)| {
        let number = *sites.get(device.site.as_str())?;
        let host = member(device, "hostname").as_str()?;
        (!host.trim().is_empty()).then_some(Seen {
            n,
            device,
            number,
            host,
        })
    });
    stored.collect()
}

/// Writes assets with the contacts who use them.
pub(super) async fn fill(
    writer: &mut Writer,
    world: &World,
    options: &Options,
    numbers: &Numbers,
    contacts: &HashMap<String, Vec<i64>>,
    made: &mut Made,
) -> anyhow::Result<()> {
    let all = seen(world, numbers);
    let mut hosts: HashMap<(&String, String), usize> = HashMap::new();
    for one in &all {
        let key = (one.number, one.host.to_lowercase());
        *hosts.entry(key).or_default() += 1;
    }
    let mut firsts: HashMap<&String, &str> = HashMap::new();
    for one in &all {
        let id = id_of(one.n);
        let mut row = asset(one, options, made).with("id", id);
        let first = *firsts.entry(one.number).or_insert(one.host);
        let is_first = first == one.host;
        if options.has(OldFlaw::HostNames) && is_each(one.n, 20) && !is_first {
            row.set("hostname", first);
            made.note(OldFlaw::HostNames, ASSETS, "hostname_repeated");
        }
        // Only a host name of its own finds such a device again.
        let is_alone = hosts.get(&(one.number, one.host.to_lowercase())) == Some(&1);
        let is_found = is_alone && one.host.starts_with("PC-");
        if options.has(OldFlaw::NoLinks) && one.n % 10 == 4 && !is_first && is_found {
            row.set("portal_url", None::<String>);
            row.set("web_remote_url", None::<String>);
            made.note(OldFlaw::NoLinks, ASSETS, "device_unidentified");
        }
        writer.write(ASSETS, &row).await?;
        let uid = member(one.device, "uid").as_str().unwrap_or_default();
        made.assets.insert(uid.to_owned(), id);

        let users = contacts.get(one.number);
        let users = users.map(Vec::as_slice).unwrap_or_default();
        if one.n.is_multiple_of(4) && !users.is_empty() {
            let user = users[one.n / 4 % users.len()];
            writer.write(LINKS, &link(id, user)).await?;
        }
    }
    if options.has(OldFlaw::Dangling) {
        let lost = Row::new().with("id", 1_i64).with("hostname", "LOST-1");
        let lost = lost.with("company_account_number", NOBODY);
        writer.write(ASSETS, &lost).await?;
        made.note(OldFlaw::Dangling, ASSETS, "company_missing");
        writer.write(LINKS, &link(1, NO_CONTACT)).await?;
        made.note_left_out(OldFlaw::Dangling, LINKS, "link_orphaned");
    }
    Ok(())
}

fn link(asset: i64, contact: i64) -> Row {
    Row::new()
        .with("asset_id", asset)
        .with("contact_id", contact)
}

fn asset(one: &Seen<'_>, options: &Options, made: &mut Made) -> Row {
    let of = |name: &str| member(one.device, name);
    let udf = |name: &str| of("udf").get(name).unwrap_or(&Value::Null);
    let columns = [
        ("hardware_type", &of("deviceType")["category"]),
        ("operating_system", of("operatingSystem")),
        ("domain", of("domain")),
        ("antivirus_product", &of("antivirus")["antivirusProduct"]),
        ("last_logged_in_user", of("lastLoggedInUser")),
        ("description", of("description")),
        ("ext_ip_address", of("extIpAddress")),
        ("int_ip_address", of("intIpAddress")),
        ("online", of("online")),
        ("patch_status", &of("patchManagement")["patchStatus"]),
        ("enabled_administrators", udf("udf4")),
        ("datto_site_name", of("siteName")),
        ("rmm_site_name", of("siteName")),
        ("web_remote_url", of("webRemoteUrl")),
    ];
    let mut row = Row::new();
    for (column, value) in columns {
        row.set(column, value);
    }
    for name in UDFS {
        row.set(name, udf(name));
    }
    row.set("hostname", one.host);
    row.set("company_account_number", one.number.as_str());
    if !options.is_second() {
        row.set("device_type", udf("udf7"));
    }
    let uid = of("uid").as_str().unwrap_or_default();
    let link = of("portalUrl").as_str().unwrap_or_default();
    if one.n < SHORT_NUMBERS || one.n % 3 == 1 {
        row.set("portal_url", format!("{link}/{uid}"));
    } else {
        row.set("portal_url", link);
    }
    for (column, name) in [
        ("last_audit_date", "lastAuditDate"),
        ("last_reboot", "lastReboot"),
        ("last_seen", "lastSeen"),
    ] {
        row.set(column, time(of(name), options));
    }
    if options.has(OldFlaw::LocalTimes) && of("lastSeen").is_i64() {
        made.note(OldFlaw::LocalTimes, ASSETS, "time_local");
    }
    let change = match one.n % 25 {
        6 => Some("2025-10-26 02:30:00"),
        7 => Some("2025-03-30 02:30:00"),
        _ => None,
    };
    if options.has(OldFlaw::ClockChanges)
        && let Some(change) = change
    {
        row.set("last_reboot", change);
        made.note(OldFlaw::ClockChanges, ASSETS, "time_ambiguous");
    }
    row.set("backup_usage_tb", backup(udf("udf6"), options, made));
    row
}

/// A time in milliseconds as the former service wrote it: what the server's clock showed.
fn time(millis: &Value, options: &Options) -> Option<String> {
    let millis = millis.as_i64().filter(|millis| *millis > 0)?;
    let at = DateTime::from_timestamp_millis(millis)?;
    if !options.has(OldFlaw::LocalTimes) {
        return Some(at.to_rfc3339());
    }
    let form = if options.is_second() {
        "%Y-%m-%dT%H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    Some(at.with_timezone(&options.zone).format(form).to_string())
}

/// A volume in bytes as terabytes with two decimals; what a script left there instead, as it is.
fn backup(bytes: &Value, options: &Options, made: &mut Made) -> Cell {
    let text = bytes.as_str().unwrap_or_default();
    if let Ok(bytes) = text.parse::<f64>() {
        let volume = format!("{:.2}", bytes / TB);
        return Some(volume).filter(|volume| volume != "0.00").into();
    }
    if text.is_empty() || !options.has(OldFlaw::NumberTexts) {
        return Cell::Null;
    }
    made.note(OldFlaw::NumberTexts, ASSETS, "backup_unreadable");
    text.into()
}
