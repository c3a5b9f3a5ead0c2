//! Assets: the devices of the client companies.

pub mod audit;
pub mod billable;
#[cfg(feature = "store")]
pub mod contacts;
pub mod devices;
#[cfg(feature = "store")]
pub(crate) mod hand_over;
#[cfg(feature = "store")]
pub(crate) mod identifiers;
#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    fold::{IdentityKey, SearchKey},
    ids::{AssetId, CompanyId},
    json_columns::Dict,
};

record! {
    /// What is tracked about an asset (contract 2.2). What moves with every poll is in [`AssetStatus`].
    pub struct AssetFields in "assets" {
        /// Host name: a label, neither unique nor always there (upstreams trap 48).
        hostname: Option<String>,
        /// The RMM's device uid: the identity at the source.
        device_uid: Option<String>,
        /// The RMM that `device_uid` belongs to.
        rmm_provider: Option<String>,
        /// Uid of the RMM site that holds the device.
        site_uid: Option<String>,
        /// Name of that site.
        site_name: Option<String>,
        /// The RMM's category: Desktop, Laptop, Server, Network Device...; free text.
        hardware_type: Option<String>,
        /// `device`, `printer`, `esxihost`, `rmmnetworkdevice`...; an open list.
        device_class: Option<String>,
        /// Device type as the MSP keeps it in UDF 7.
        device_type: Option<String>,
        /// Operating system.
        operating_system: Option<String>,
        /// Windows domain or workgroup.
        domain: Option<String>,
        /// Free text.
        description: Option<String>,
        /// Antivirus product.
        antivirus_product: Option<String>,
        /// Antivirus state by the RMM's word.
        antivirus_status: Option<String>,
        /// Address inside the network.
        int_ip_address: Option<String>,
        /// First hardware address, upper case with colons.
        mac_address: Option<String>,
        /// Serial number, from the audit.
        serial_number: Option<String>,
        /// Manufacturer, from the audit.
        manufacturer: Option<String>,
        /// Model, from the audit.
        model: Option<String>,
        /// Backup volume in bytes, from UDF 6.
        backup_bytes: Option<i64>,
        /// Enabled local administrators, from UDF 4.
        enabled_administrators: Option<String>,
        /// Link to the device in the RMM's portal.
        portal_url: Option<String>,
        /// Link that opens a remote session.
        web_remote_url: Option<String>,
        /// End of warranty, `YYYY-MM-DD`.
        warranty_date: Option<String>,
        /// Whether the RMM has suspended the device.
        suspended: Option<bool>,
        /// User-defined fields by name (`udf1`...), without the secret ones.
        udf: Dict,
        /// The company: what a person set, else the one that the device's site is linked to.
        company_id: Option<CompanyId>,
    }
    derived {
        /// Folded host name, for search and order.
        hostname_fold: SearchKey,
        /// Serial number for comparison; `None` for a placeholder.
        serial_key: Option<IdentityKey>,
        /// MAC address for comparison; `None` for one that several machines may have.
        mac_key: Option<String>,
    }
}

/// What changes at every poll of the RMM: kept apart from the record, outside its history (design 4).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct AssetStatus {
    /// Whether the agent is connected.
    pub online: Option<bool>,
    /// When the agent last reported.
    pub last_seen: Option<DateTime<Utc>>,
    /// Last start of the device.
    pub last_reboot: Option<DateTime<Utc>>,
    /// Last inventory by the RMM.
    pub last_audit_date: Option<DateTime<Utc>>,
    /// Last user, usually `DOMAIN\user`.
    pub last_logged_in_user: Option<String>,
    /// Address as seen from outside.
    pub ext_ip_address: Option<String>,
    /// Patch state by the RMM's word.
    pub patch_status: Option<String>,
    /// Patches installed.
    pub patches_installed: Option<i64>,
    /// Patches approved and waiting.
    pub patches_approved_pending: Option<i64>,
    /// Patches not approved.
    pub patches_not_approved: Option<i64>,
    /// Whether a restart is due.
    pub reboot_required: Option<bool>,
}

/// Keys that staff may choose of an asset beside its tracked fields: those of its status.
pub const BESIDE: [&str; 11] = [
    "online",
    "last_seen",
    "last_reboot",
    "last_audit_date",
    "last_logged_in_user",
    "ext_ip_address",
    "patch_status",
    "patches_installed",
    "patches_approved_pending",
    "patches_not_approved",
    "reboot_required",
];

/// Values of secret user-defined fields by field name; `None` clears.
///
/// Kept in a table of their own and never in claims, log, lists or errors (design 4).
pub type AssetSecrets = BTreeMap<String, Option<String>>;

/// Fields that an index holds the text of.
pub(crate) const INDEXED: [&str; 4] = ["hostname", "mac_address", "serial_number", "site_uid"];

/// A device.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct Asset {
    /// Row id.
    pub id: AssetId,
    /// Tracked fields.
    #[cfg_attr(feature = "store", sqlx(flatten))]
    pub fields: AssetFields,
    /// State at the last poll.
    #[cfg_attr(feature = "store", sqlx(flatten))]
    pub status: AssetStatus,
    /// When the record was made here.
    pub created_at: DateTime<Utc>,
    /// When a tracked field last changed.
    pub updated_at: DateTime<Utc>,
    /// When the record was deleted, if it was.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Everything that is kept of an asset, without its secrets.
#[derive(Debug, Serialize)]
pub struct Kept<'a> {
    #[serde(flatten)]
    fields: &'a AssetFields,
    #[serde(flatten)]
    status: &'a AssetStatus,
}

impl Asset {
    /// Everything that is kept of it, without its secrets.
    pub fn kept(&self) -> Kept<'_> {
        Kept {
            fields: &self.fields,
            status: &self.status,
        }
    }
}

/// What answers show of a device: few of its many columns, for those who read thousands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub(crate) struct ShownAsset {
    pub id: AssetId,
    pub company_id: Option<CompanyId>,
    pub antivirus_product: Option<String>,
    pub backup_bytes: Option<i64>,
    pub device_type: Option<String>,
    pub domain: Option<String>,
    pub ext_ip_address: Option<String>,
    pub hardware_type: Option<String>,
    pub hostname: Option<String>,
    pub int_ip_address: Option<String>,
    pub last_logged_in_user: Option<String>,
    pub last_seen: Option<DateTime<Utc>>,
    pub online: Option<bool>,
    pub operating_system: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_status_can_be_chosen() {
        let status = serde_json::to_value(AssetStatus::default()).unwrap_or_default();
        let mut names: Vec<&str> = status
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        let mut beside = BESIDE.to_vec();
        names.sort_unstable();
        beside.sort_unstable();
        assert_eq!(names, beside);
    }
}
