//! What is billed for a company: its people and devices by kind, with the records behind each number.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Asset;
use crate::{contacts::Contact, money::Money};

/// Bytes of a terabyte, as Ledger counts (contract 1.2.B).
const TB: f64 = 1_099_511_627_776.0;

/// What a device is billed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BillableKind {
    /// A person's computer.
    Workstation,
    /// A server, or a host of virtual machines.
    Server,
    /// A virtual machine, whatever runs on it.
    Vm,
    /// A switch, firewall, access point...
    NetworkDevice,
    /// A printer or something of which too little is known: billed as nothing.
    Other,
}

/// A record behind a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BillableRecord {
    /// Id of the contact or asset.
    pub id: i64,
    /// Its name; empty when it has none.
    pub name: String,
}

/// A number with the records behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BillableCount {
    /// How many.
    pub count: usize,
    /// Which.
    pub records: Vec<BillableRecord>,
}

/// The backups of a company.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BillableBackup {
    /// All of them in bytes.
    pub bytes: i64,
    /// The devices that are backed up.
    pub records: Vec<BackedUp>,
    /// All of them in terabytes of 2^40 bytes, with four decimals.
    pub tb: Money,
}

/// A device that is backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackedUp {
    /// Its backup in bytes.
    pub bytes: i64,
    /// Id of the asset.
    pub id: i64,
    /// Its host name; empty when it has none.
    pub name: String,
}

/// What is billed for a company.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BillableOut {
    /// The company.
    #[schema(example = "100001")]
    pub account_number: String,
    /// Backups.
    pub backup: BillableBackup,
    /// Switches, firewalls and the like.
    pub network_devices: BillableCount,
    /// Printers, and devices of which too little is known.
    pub other: BillableCount,
    /// Servers that are no virtual machines.
    pub servers: BillableCount,
    /// People who are active.
    pub users: BillableCount,
    /// Virtual machines.
    pub vms: BillableCount,
    /// People's computers.
    pub workstations: BillableCount,
}

impl BillableOut {
    /// Counts what a company has.
    #[expect(
        clippy::cast_precision_loss,
        reason = "four decimals of a TB are far above the loss"
    )]
    pub fn new(account_number: &str, contacts: &[Contact], assets: &[Asset]) -> Self {
        let mut out = Self {
            account_number: account_number.to_owned(),
            ..Self::default()
        };
        let active = contacts
            .iter()
            .filter(|contact| contact.fields.active.unwrap_or(true));
        for contact in active {
            out.users.add(contact.id.0, &contact.fields.name);
        }
        for asset in assets {
            let name = asset.fields.hostname.as_deref().unwrap_or_default();
            let count = match kind_of(asset) {
                BillableKind::Workstation => &mut out.workstations,
                BillableKind::Server => &mut out.servers,
                BillableKind::Vm => &mut out.vms,
                BillableKind::NetworkDevice => &mut out.network_devices,
                BillableKind::Other => &mut out.other,
            };
            count.add(asset.id.0, name);
            if let Some(bytes) = asset.fields.backup_bytes.filter(|bytes| *bytes > 0) {
                // A person's or a vendor's slip is no number below zero.
                out.backup.bytes = out.backup.bytes.saturating_add(bytes);
                out.backup.records.push(BackedUp {
                    bytes,
                    id: asset.id.0,
                    name: name.to_owned(),
                });
            }
        }
        let tb = (out.backup.bytes as f64 / TB * 10_000.0).round() / 10_000.0;
        out.backup.tb = Money::try_from(tb).unwrap_or_default();
        out
    }
}

impl BillableCount {
    fn add(&mut self, id: i64, name: &str) {
        self.count += 1;
        self.records.push(BillableRecord {
            id,
            name: name.to_owned(),
        });
    }
}

/// What a device is billed as. What the MSP says in UDF 7 comes first, then the vendor's class and category,
/// then the operating system.
fn kind_of(asset: &Asset) -> BillableKind {
    let fields = &asset.fields;
    let word = |text: &Option<String>| text.as_deref().unwrap_or_default().to_lowercase();
    let (own, class) = (word(&fields.device_type), word(&fields.device_class));
    let (category, system) = (word(&fields.hardware_type), word(&fields.operating_system));
    let has = |text: &str, parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let network = ["network", "switch", "firewall", "router", "access point"];
    if has(&own, &["virtual"]) || own == "vm" {
        BillableKind::Vm
    } else if has(&own, &network) || class == "rmmnetworkdevice" || has(&category, &network) {
        BillableKind::NetworkDevice
    } else if has(&own, &["printer"]) || class == "printer" || has(&category, &["printer"]) {
        BillableKind::Other
    } else if is_virtual(asset) {
        BillableKind::Vm
    } else if has(&own, &["server"])
        || class == "esxihost"
        || has(&category, &["server", "esxi"])
        || (own.is_empty() && has(&system, &["server"]))
    {
        BillableKind::Server
    } else if has(&own, &["workstation", "desktop", "laptop"])
        || has(
            &category,
            &[
                "desktop",
                "laptop",
                "workstation",
                "tablet",
                "main system chassis",
            ],
        )
        || has(&system, &["windows", "mac", "linux", "ubuntu"])
    {
        BillableKind::Workstation
    } else {
        BillableKind::Other
    }
}

/// Whether the hardware that the audit found is a hypervisor's.
fn is_virtual(asset: &Asset) -> bool {
    let fields = &asset.fields;
    let hardware = [&fields.manufacturer, &fields.model]
        .map(|text| text.as_deref().unwrap_or_default().to_lowercase());
    let makers = [
        "vmware",
        "qemu",
        "xen",
        "virtual machine",
        "virtualbox",
        "kvm",
        "proxmox",
    ];
    hardware
        .iter()
        .any(|text| makers.iter().any(|maker| text.contains(maker)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assets::{AssetFields, AssetStatus},
        contacts::ContactFields,
        ids::{AssetId, ContactId},
    };

    fn asset(fields: AssetFields) -> Asset {
        Asset {
            id: AssetId(1),
            fields,
            status: AssetStatus::default(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            deleted_at: None,
            tags: Vec::new(),
        }
    }

    fn kind(own: &str, class: &str, category: &str, system: &str, model: &str) -> BillableKind {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        kind_of(&asset(AssetFields {
            device_type: some(own),
            device_class: some(class),
            hardware_type: some(category),
            operating_system: some(system),
            model: some(model),
            ..AssetFields::default()
        }))
    }

    #[test]
    fn byte_totals_saturate_instead_of_overflowing() {
        let of = |bytes| {
            asset(AssetFields {
                backup_bytes: Some(bytes),
                ..AssetFields::default()
            })
        };
        let out = BillableOut::new("1", &[], &[of(i64::MAX), of(1)]);
        assert_eq!((out.backup.bytes, out.backup.records.len()), (i64::MAX, 2));
    }

    #[test]
    fn device_category_follows_its_known_fields() {
        use BillableKind::{NetworkDevice, Other, Server, Vm, Workstation};
        let cases = [
            (
                kind("", "device", "Laptop", "Microsoft Windows 11 Pro", ""),
                Workstation,
            ),
            (
                kind("", "device", "Server", "Microsoft Windows Server 2022", ""),
                Server,
            ),
            (
                kind("", "device", "", "Microsoft Windows Server 2022", ""),
                Server,
            ),
            (
                kind(
                    "",
                    "device",
                    "Server",
                    "Windows Server 2022",
                    "Virtual Machine",
                ),
                Vm,
            ),
            (kind("VM", "device", "Server", "", ""), Vm),
            (
                kind("Workstation", "device", "", "Windows Server 2022", ""),
                Workstation,
            ),
            (
                kind("", "esxihost", "ESXi Host", "VMware ESXi 8", ""),
                Server,
            ),
            (
                kind("", "rmmnetworkdevice", "Network Device", "", ""),
                NetworkDevice,
            ),
            (kind("", "printer", "Printer", "", ""), Other),
            (kind("", "", "", "", ""), Other),
        ];
        for (index, (is, wanted)) in cases.into_iter().enumerate() {
            assert_eq!(is, wanted, "case {index}");
        }
    }

    #[test]
    fn only_active_contacts_count_and_backups_add_up() {
        let contact = |active| Contact {
            id: ContactId(1),
            fields: ContactFields {
                active,
                ..ContactFields::default()
            },
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            deleted_at: None,
            tags: Vec::new(),
        };
        let backed = |bytes| {
            asset(AssetFields {
                backup_bytes: bytes,
                ..AssetFields::default()
            })
        };
        let contacts = [contact(None), contact(Some(true)), contact(Some(false))];
        let assets = [
            backed(Some(549_755_813_888)),
            backed(Some(549_755_813_888)),
            backed(None),
        ];
        let out = BillableOut::new("100001", &contacts, &assets);
        assert_eq!((out.users.count, out.other.count), (2, 3));
        assert_eq!(out.backup.tb.ten_thousandths(), 10_000);
        assert_eq!(out.backup.records.len(), 2);
    }
}
