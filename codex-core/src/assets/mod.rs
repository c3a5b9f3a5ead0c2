//! Assets: the devices of the client companies.

pub mod audit;
pub mod billable;
#[cfg(feature = "store")]
pub mod contacts;
#[cfg(feature = "store")]
pub(crate) mod dependents;
pub mod devices;
#[cfg(feature = "store")]
pub(crate) mod identifiers;
#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "store")]
pub(crate) mod secrets;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    fold::{IdentityKey, SearchKey},
    ids::{AssetId, CompanyId},
    json_columns::Dict,
};

record! {
    // Contract 2.2.
    /// What is tracked about an asset. Volatile fields are in [`AssetStatus`].
    pub struct AssetFields in "assets" as "a" {
        /// Host name: a label, neither unique nor always there; a new asset needs one.
        require hostname: Option<String> = field().everyone().indexed().folded("a.hostname_fold").always(),
        /// The RMM's device uid: the identity at the source.
        edit device_uid: Option<String> = field().listed(),
        /// The RMM that `device_uid` belongs to.
        rmm_provider: Option<String> = field(),
        /// Uid of the RMM site that holds the device.
        site_uid: Option<String> = field().indexed(),
        /// Name of that site.
        site_name: Option<String> = field(),
        /// The RMM's category: Desktop, Laptop, Server, Network Device...; free text.
        edit hardware_type: Option<String> = field().everyone().faceted(),
        /// `device`, `printer`, `esxihost`, `rmmnetworkdevice`...; an open list.
        edit device_class: Option<String> = field().listed(),
        /// Device type as the MSP keeps it in UDF 7.
        edit device_type: Option<String> = field().everyone().listed(),
        /// Operating system.
        edit operating_system: Option<String> = field().everyone().listed(),
        /// Windows domain or workgroup.
        edit domain: Option<String> = field().everyone().listed(),
        /// Free text.
        edit description: Option<String> = field(),
        /// Antivirus product.
        edit antivirus_product: Option<String> = field().everyone().listed(),
        /// Antivirus state as the RMM reports it.
        antivirus_status: Option<String> = field(),
        /// Address inside the network.
        edit int_ip_address: Option<String> = field().everyone().listed(),
        /// First hardware address, upper case with colons.
        edit mac_address: Option<String> = field().indexed().mac().listed(),
        /// Serial number, from the audit.
        edit serial_number: Option<String> = field().indexed().listed(),
        /// Manufacturer, from the audit.
        edit manufacturer: Option<String> = field().listed(),
        /// Model, from the audit.
        edit model: Option<String> = field().listed(),
        /// Backup volume in bytes, from UDF 6.
        edit backup_bytes: Option<i64> = field().everyone().listed(),
        /// Enabled local administrators, from UDF 4.
        edit enabled_administrators: Option<String> = field(),
        /// Link to the device in the RMM's portal.
        edit portal_url: Option<String> = field(),
        /// Link that opens a remote session.
        edit web_remote_url: Option<String> = field(),
        /// End of warranty, `YYYY-MM-DD`.
        edit warranty_date: Option<String> = field().listed(),
        /// Whether the RMM has suspended the device.
        suspended: Option<bool> = field(),
        /// User-defined fields by name (`udf1`...), without the secret ones.
        udf: Dict = field(),
        /// The company: the manual value, or else the company that the device's site is linked to.
        company_id: Option<CompanyId> = field().internal(),
    }
    derived {
        /// Folded host name, for search and order.
        hostname_fold: SearchKey,
        /// Serial number for comparison; `None` for a placeholder.
        serial_key: Option<IdentityKey>,
        /// MAC address for comparison; `None` for one that several machines may have.
        mac_key: Option<String>,
    }
    /// The body for an asset. Absent keys stay as they are; null and empty text blank the field. Volatile fields cannot
    /// be set.
    body AssetIn {
        /// The company; null for none.
        company_account_number: String,
        /// The people who use it. The list replaces the earlier one.
        contact_ids: Vec<i64>,
    }
}

status! {
    /// What changes at every poll of the RMM: kept apart from the record, outside its history.
    pub struct AssetStatus as "s" {
        /// Whether the agent is connected.
        online: Option<bool> = field().everyone().faceted(),
        /// When the agent last reported.
        last_seen: Option<DateTime<Utc>> = field().everyone().listed(),
        /// Last start of the device.
        last_reboot: Option<DateTime<Utc>> = field().listed(),
        /// Last inventory by the RMM.
        last_audit_date: Option<DateTime<Utc>> = field().listed(),
        /// Last user, usually `DOMAIN\user`.
        last_logged_in_user: Option<String> = field().everyone().listed(),
        /// Address as seen from outside.
        ext_ip_address: Option<String> = field().everyone().listed(),
        /// Patch state by the RMM's word.
        patch_status: Option<String> = field().faceted(),
        /// Patches installed.
        patches_installed: Option<i64> = field().listed(),
        /// Patches approved and waiting.
        patches_approved_pending: Option<i64> = field().listed(),
        /// Patches not approved.
        patches_not_approved: Option<i64> = field().listed(),
        /// Whether a restart is due.
        reboot_required: Option<bool> = field().listed(),
    }
}

row! {
    /// A device.
    pub struct Asset(AssetId, AssetFields) {
        /// State at the last poll.
        #[cfg_attr(feature = "store", sqlx(flatten))]
        pub status: AssetStatus,
        /// Names of its tags, by name; read on request, for staff.
        #[cfg_attr(feature = "store", sqlx(skip))]
        pub tags: Vec<String>,
    }
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
