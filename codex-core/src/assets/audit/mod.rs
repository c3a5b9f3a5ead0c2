//! What is in a device and on it, as the RMM's inventory found it. Nothing is known until it was read.

#[cfg(feature = "sync")]
mod asked_devices;
#[cfg(feature = "store")]
mod inventory;
#[cfg(feature = "store")]
pub(crate) mod query;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[cfg(feature = "sync")]
pub(crate) use asked_devices::AskedDevices;
#[cfg(feature = "store")]
pub use inventory::{DeviceInventory, DueDevice};

use crate::ids::AssetId;

/// The hardware of a device.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hardware {
    /// Processors by name, each once.
    pub cpu: Option<String>,
    /// Cores of all processors.
    pub cpu_cores: Option<i64>,
    /// Memory in bytes.
    pub ram_bytes: Option<i64>,
    /// Capacity of the disks in bytes.
    pub disk_bytes: Option<i64>,
    /// What is free of it.
    pub disk_free_bytes: Option<i64>,
    /// Version of the BIOS.
    pub bios_version: Option<String>,
    /// When that was released.
    pub bios_released_at: Option<DateTime<Utc>>,
    /// Manufacturer and product of the main board.
    pub base_board: Option<String>,
    /// The parts, one by one.
    pub parts: Parts,
}

/// The parts of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = HardwareParts)]
pub struct Parts {
    /// Disks.
    pub disks: Vec<Disk>,
    /// Network interfaces.
    pub interfaces: Vec<Interface>,
    /// Memory modules.
    pub memory: Vec<MemoryModule>,
}

/// A disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Disk {
    /// What kind of disk.
    pub description: Option<String>,
    /// What is free, in bytes.
    pub free_bytes: Option<i64>,
    /// Drive letter or mount point.
    #[schema(example = "C:")]
    pub name: Option<String>,
    /// Capacity in bytes.
    pub size_bytes: Option<i64>,
}

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = NetworkInterface)]
pub struct Interface {
    /// Address.
    pub ipv4: Option<String>,
    /// Address.
    pub ipv6: Option<String>,
    /// Hardware address.
    pub mac_address: Option<String>,
    /// Name.
    pub name: Option<String>,
}

/// A memory module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemoryModule {
    /// Where it sits.
    pub module: Option<String>,
    /// The manufacturer's number.
    pub part_number: Option<String>,
    /// Size in bytes.
    pub size_bytes: Option<i64>,
    /// Clock, as sent.
    pub speed: Option<String>,
}

/// An installed program.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Software {
    /// Name.
    #[schema(example = "7-Zip 24.08 (x64)")]
    pub name: String,
    /// Version; null when unknown.
    #[schema(example = "24.08")]
    pub version: Option<String>,
}

/// What the RMM's inventory says of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The device.
    pub asset_id: AssetId,
    /// When the RMM took the inventory.
    pub audited_at: DateTime<Utc>,
    /// `None` where the RMM has no inventory.
    pub hardware: Option<Hardware>,
    /// Programs by name; `None` where the RMM does not give them.
    pub software: Option<Vec<Software>>,
}
