//! Assets.

use std::collections::BTreeMap;

use super::{Mapped, companies::id_of};
use crate::{
    assets::{Asset, AssetStatus, identifiers},
    ids::CompanyId,
    import::{
        cells::Cells,
        facts::{Facts, number},
        flaws::Flaw,
        report::TableReport,
        source::OldRow,
        tables::UDFS,
    },
};

/// Bytes of a terabyte, as the Flask service counted.
const TB: f64 = 1_099_511_627_776.0;

/// An asset.
pub(in crate::import) fn asset(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Mapped<Asset> {
    let (id, key) = (id_of(row), row.name());
    let raw = row.get("company_account_number").unwrap_or_default();
    let own = number(raw);
    let mut cells = Cells::new(row, report, facts.zone);
    if facts.company(&own).is_none() {
        cells.flaw(Flaw::CompanyMissing);
    }
    let company = facts.row(&own);
    cells.state("company_id", company);
    if cells.text("hostname").is_none() {
        cells.flaw(Flaw::NameMissing);
    }
    cells.state_texts(&[
        "hostname",
        "hardware_type",
        "operating_system",
        "domain",
        "antivirus_product",
        "description",
        "int_ip_address",
        "enabled_administrators",
        "device_type",
        "portal_url",
        "web_remote_url",
    ]);
    cells.state("rmm_provider", facts.rmm);
    let site = cells.text("rmm_site_name");
    cells.state("site_name", site);
    let backup = backup(&mut cells);
    cells.state("backup_bytes", backup);
    let secrets = user_fields(&mut cells, facts);

    let host = row.get("hostname").unwrap_or_default();
    if facts.hosts.contains_key(&format!("{raw}/{host}")) {
        cells.flaw(Flaw::HostRepeated);
    }
    let mut keys =
        identifiers::device_keys([cells.text("portal_url"), cells.text("web_remote_url")]);
    if keys.is_empty() {
        cells.flaw(Flaw::DeviceUnidentified);
    }
    keys.extend(company.and_then(|company| identifiers::host_key(CompanyId(company), host)));

    let status = status(&mut cells);
    let mut mapped = Mapped::new(cells, format!("asset/{key}"), id, keys);
    mapped.record.status = Some(status);
    mapped.record.secrets = secrets;
    mapped
}

/// What moves at every poll. Times are those of the old server's clock (contract 2.2).
fn status(cells: &mut Cells<'_>) -> AssetStatus {
    AssetStatus {
        online: cells.flag("online"),
        last_seen: cells.local_time("last_seen"),
        last_reboot: cells.local_time("last_reboot"),
        last_audit_date: cells.local_time("last_audit_date"),
        last_logged_in_user: cells.text("last_logged_in_user"),
        ext_ip_address: cells.text("ext_ip_address"),
        patch_status: cells.text("patch_status"),
        ..AssetStatus::default()
    }
}

/// A volume in terabytes, as text with two decimals, in bytes.
#[expect(clippy::cast_possible_truncation, reason = "bounds checked")]
fn backup(cells: &mut Cells<'_>) -> Option<i64> {
    let text = cells.text("backup_usage_tb")?;
    let volume = text.trim().parse::<f64>().ok();
    let bytes = volume.map(|volume| (volume * TB).round());
    if let Some(bytes) = bytes.filter(|bytes| (0.0..9.0e18).contains(bytes)) {
        (bytes > 0.0).then_some(bytes as i64)
    } else {
        cells.flaw(Flaw::BackupUnreadable);
        cells.keep("backup_usage_tb", text);
        None
    }
}

/// States the user-defined fields; gives the secret ones.
fn user_fields(cells: &mut Cells<'_>, facts: &Facts) -> BTreeMap<String, Option<String>> {
    let mut secrets = BTreeMap::new();
    let mut plain = serde_json::Map::new();
    for name in UDFS {
        let Some(value) = cells.text(name) else {
            continue;
        };
        if facts.secret.iter().any(|secret| secret == name) {
            secrets.insert(name.to_owned(), Some(value));
        } else {
            plain.insert(name.to_owned(), value.into());
        }
    }
    if !plain.is_empty() {
        cells.state("udf", plain);
    }
    secrets
}
