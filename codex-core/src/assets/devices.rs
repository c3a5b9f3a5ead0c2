//! Assets as the devices of an RMM (contract 1.2.D): the same records under older names.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Asset,
    audit::{Audit, Software},
};
use crate::companies::CompanyRef;

/// What an id starts with.
const PREFIX: &str = "device-";
/// Bytes in a GB as operating systems count.
const GB: i64 = 1 << 30;

// Contract 1.2.D.
/// A device of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceOut {
    /// Account number of the company.
    pub company_id: Option<String>,
    /// Its name.
    pub company_name: Option<String>,
    /// Device type as the MSP keeps it, else the RMM's category.
    pub device_type: Option<String>,
    /// `device-` and the id of the asset.
    #[schema(example = "device-1")]
    pub id: String,
    /// Address as seen from outside, else inside the network.
    pub ip_address: Option<String>,
    /// Last user.
    pub last_logged_in_user: Option<String>,
    /// When the agent last reported, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub last_seen: Option<DateTime<Utc>>,
    /// Host name; empty when the device has none.
    pub name: String,
    /// Operating system.
    pub os: Option<String>,
    /// `online`, or `offline` when it is not, or nobody knows.
    pub status: String,
}

/// Part of a list of devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DevicesOut {
    /// How many this part holds.
    pub count: usize,
    /// The devices.
    pub devices: Vec<DeviceOut>,
}

/// What is in a device; null until its inventory was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceHardwareOut {
    /// Processors by name.
    pub cpu: Option<String>,
    /// Capacity of the disks in GB of 2^30 bytes.
    pub disk_gb: Option<i64>,
    /// Memory in GB of 2^30 bytes.
    pub ram_gb: Option<i64>,
}

/// How a device is doing, in percent. The RMM says nothing of processor and memory: those are null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceHealthOut {
    /// Not known.
    pub cpu_usage: Option<i64>,
    /// Part of the disks that was in use when the inventory was taken.
    pub disk_usage: Option<i64>,
    /// Not known.
    pub ram_usage: Option<i64>,
}

// Contract 1.2.D.
/// A device with all its details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceDetailOut {
    /// The fields of a list.
    #[serde(flatten)]
    pub device: DeviceOut,
    /// Antivirus product.
    pub antivirus: Option<String>,
    /// Windows domain or workgroup.
    pub domain: Option<String>,
    /// What is in it.
    pub hardware: DeviceHardwareOut,
    /// How it is doing.
    pub health: DeviceHealthOut,
    /// Programs by name; empty until its inventory was read.
    pub installed_software: Vec<Software>,
    /// Last start, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub last_reboot: Option<DateTime<Utc>>,
    /// First hardware address.
    pub mac_address: Option<String>,
    /// Version at the end of the operating system's name.
    #[schema(example = "10.0.26200")]
    pub os_version: Option<String>,
    /// Patch state by the RMM's word.
    pub patch_status: Option<String>,
}

impl DeviceOut {
    /// The wire form of an asset and its company.
    pub fn new(asset: &Asset, company: Option<&CompanyRef>) -> Self {
        let (fields, status) = (&asset.fields, &asset.status);
        let kind = fields.device_type.clone();
        let outside = status.ext_ip_address.clone();
        Self {
            company_id: company.and_then(|company| company.account_number.clone()),
            company_name: company.map(|company| company.name.clone()),
            device_type: kind.or_else(|| fields.hardware_type.clone()),
            id: format!("{PREFIX}{}", asset.id),
            ip_address: outside.or_else(|| fields.int_ip_address.clone()),
            last_logged_in_user: status.last_logged_in_user.clone(),
            last_seen: status.last_seen,
            name: fields.hostname.clone().unwrap_or_default(),
            os: fields.operating_system.clone(),
            status: match status.online {
                Some(true) => "online".to_owned(),
                _ => "offline".to_owned(),
            },
        }
    }

    /// The number in an id such as `device-12`; the Flask service takes the prefix away wherever it stands.
    pub fn parse_id(id: &str) -> Option<i64> {
        let rest = id.strip_prefix(PREFIX)?;
        rest.replace(PREFIX, "").parse().ok()
    }
}

impl DeviceDetailOut {
    /// The wire form of an asset, its company and its inventory.
    pub fn new(asset: &Asset, company: Option<&CompanyRef>, audit: Option<&Audit>) -> Self {
        let (fields, status) = (&asset.fields, &asset.status);
        let hardware = audit.and_then(|audit| audit.hardware.as_ref());
        let gb = |bytes: i64| (bytes + GB / 2) / GB;
        let in_use = hardware.and_then(|found| used(found.disk_bytes?, found.disk_free_bytes?));
        Self {
            device: DeviceOut::new(asset, company),
            antivirus: fields.antivirus_product.clone(),
            domain: fields.domain.clone(),
            hardware: DeviceHardwareOut {
                cpu: hardware.and_then(|found| found.cpu.clone()),
                disk_gb: hardware.and_then(|found| found.disk_bytes).map(gb),
                ram_gb: hardware.and_then(|found| found.ram_bytes).map(gb),
            },
            health: DeviceHealthOut {
                disk_usage: in_use,
                ..DeviceHealthOut::default()
            },
            installed_software: audit
                .and_then(|audit| audit.software.clone())
                .unwrap_or_default(),
            last_reboot: status.last_reboot,
            mac_address: fields.mac_address.clone(),
            os_version: fields.operating_system.as_deref().and_then(version),
            patch_status: status.patch_status.clone(),
        }
    }
}

/// Percent of `size` that is not free.
fn used(size: i64, free: i64) -> Option<i64> {
    let percent = i128::from(size.checked_sub(free)?) * 100
        / i128::from(Some(size).filter(|size| *size > 0)?);
    i64::try_from(percent)
        .ok()
        .filter(|percent| (0..=100).contains(percent))
}

/// The number at the end of an operating system's name: `10.0.26200` of `... 11 Pro 10.0.26200`.
fn version(os: &str) -> Option<String> {
    let last = os.split_whitespace().next_back()?;
    let is_number = last.contains('.') && last.split('.').all(|part| part.parse::<u64>().is_ok());
    is_number.then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_ids_are_parsed_like_the_legacy_service() {
        assert_eq!(DeviceOut::parse_id("device-12"), Some(12));
        assert_eq!(DeviceOut::parse_id("device-device-1"), Some(1));
        for bad in ["12", "device-", "device-x", "", "asset-1"] {
            assert_eq!(DeviceOut::parse_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn os_version_is_read_from_its_name_or_absent() {
        let windows = version("Microsoft Windows 11 Pro 10.0.26200");
        assert_eq!(windows.as_deref(), Some("10.0.26200"));
        assert_eq!(version("Ubuntu 24"), None);
        assert_eq!(version("Windows"), None);
    }

    #[test]
    fn disk_use_is_a_percentage_or_absent() {
        assert_eq!(used(200, 50), Some(75));
        assert_eq!(used(0, 0), None);
        assert_eq!(used(10, 20), None);
    }
}
