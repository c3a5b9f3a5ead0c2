//! Inventories as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Audit, Hardware, Parts, Software};
use crate::assets::Asset;

/// What the RMM's inventory says of a device; null where it was not read or says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetAuditOut {
    /// Id of the asset.
    pub asset_id: i64,
    /// When the RMM took the inventory, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub audited_at: Option<DateTime<Utc>>,
    /// Manufacturer and product of the main board.
    pub base_board: Option<String>,
    /// When the BIOS was released, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub bios_released_at: Option<DateTime<Utc>>,
    /// Version of the BIOS.
    pub bios_version: Option<String>,
    /// Processors by name.
    pub cpu: Option<String>,
    /// Cores of all processors.
    pub cpu_cores: Option<i64>,
    /// Capacity of the disks in bytes.
    pub disk_bytes: Option<i64>,
    /// What is free of it.
    pub disk_free_bytes: Option<i64>,
    /// Manufacturer.
    pub manufacturer: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// The parts, one by one.
    pub parts: Parts,
    /// Memory in bytes.
    pub ram_bytes: Option<i64>,
    /// Serial number.
    pub serial_number: Option<String>,
    /// Programs by name.
    pub software: Vec<Software>,
}

impl AssetAuditOut {
    /// The wire form of an asset and its inventory, if it was read.
    pub fn new(asset: &Asset, audit: Option<&Audit>) -> Self {
        let none = Hardware::default();
        let read = audit.and_then(|audit| audit.hardware.as_ref());
        let hardware = read.unwrap_or(&none);
        Self {
            asset_id: asset.id.0,
            audited_at: audit
                .filter(|_| read.is_some())
                .map(|audit| audit.audited_at),
            base_board: hardware.base_board.clone(),
            bios_released_at: hardware.bios_released_at,
            bios_version: hardware.bios_version.clone(),
            cpu: hardware.cpu.clone(),
            cpu_cores: hardware.cpu_cores,
            disk_bytes: hardware.disk_bytes,
            disk_free_bytes: hardware.disk_free_bytes,
            manufacturer: asset.fields.manufacturer.clone(),
            model: asset.fields.model.clone(),
            parts: hardware.parts.clone(),
            ram_bytes: hardware.ram_bytes,
            serial_number: asset.fields.serial_number.clone(),
            software: audit
                .and_then(|audit| audit.software.clone())
                .unwrap_or_default(),
        }
    }
}
