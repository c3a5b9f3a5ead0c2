//! Inventories by the vendor's routes (vendors 2.6), which differ by the class of device (trap 58).

use serde_json::{Map, Value};

use crate::{
    assets::{
        audit::{Disk, Hardware, Interface, MemoryModule, Parts, Software},
        identifiers::serial_number,
    },
    records::{Unread, patch::indexable},
    sync::{
        engine::{
            decode,
            item::{TIME, number, text},
        },
        time::{self, Time},
    },
};

/// What an inventory says of a device: tracked fields of the record, and the rest.
pub(super) struct Found {
    pub fields: Map<String, Value>,
    pub hardware: Hardware,
    /// Entries of its lists that could not be read.
    pub unreadable: usize,
    /// Members that are there and could not be read.
    pub unread: Vec<Unread>,
}

/// An inventory by any of the routes. Members that a class of device does not have are not there.
pub(super) fn audit(body: &Value) -> Found {
    let system = &body["systemInfo"];
    let serials = [
        &body["bios"]["serialNumber"],
        &system["serviceTag"],
        &body["snmpInfo"]["snmpSerial"],
    ];
    let serial = serials
        .into_iter()
        .filter_map(text)
        .find_map(|text| serial_number(&text).map(str::to_owned));
    let fields = [
        ("manufacturer", text(&system["manufacturer"])),
        ("model", text(&system["model"])),
        ("serial_number", serial),
    ];
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.map_or(Value::Null, Value::from)));
    let parts = Parts {
        disks: list(&body["logicalDisks"]).map(disk).collect(),
        interfaces: list(&body["nics"]).map(interface).collect(),
        memory: list(&body["physicalMemory"]).map(module).collect(),
    };
    let unreadable: usize = ["logicalDisks", "nics", "physicalMemory", "processors"]
        .into_iter()
        .map(|name| entries(&body[name]).filter(|item| decode::fault(item).is_some()))
        .map(Iterator::count)
        .sum();
    let released = time::read(&body["bios"]["releaseDate"]);
    let unread = released
        .is_none()
        .then(|| Unread::new("bios.releaseDate", TIME));
    let fixed = || parts.disks.iter().filter(|disk| is_fixed(disk));
    let modules = sum(parts.memory.iter().map(|module| module.size_bytes));
    let cores = sum(list(&body["processors"]).map(|cpu| number(&cpu["numberOfCores"])));
    Found {
        unreadable,
        unread: unread.into_iter().collect(),
        fields: fields.collect(),
        hardware: Hardware {
            cpu: processors(&body["processors"]),
            cpu_cores: number(&system["totalCpuCores"]).or(cores),
            ram_bytes: positive(&system["totalPhysicalMemory"]).or(modules),
            disk_bytes: sum(fixed().map(|disk| disk.size_bytes)),
            disk_free_bytes: sum(fixed().map(|disk| disk.free_bytes)),
            bios_version: text(&body["bios"]["smBiosVersion"]),
            bios_released_at: released.and_then(Time::at),
            base_board: base_board(&body["baseBoard"]),
            parts,
        },
    }
}

/// A program; `None` without a name. Nobody calls one by more than an index holds.
pub(super) fn software(item: &Value) -> Option<Software> {
    let short = |value: &Value| text(value).map(|text| indexable(&text).to_owned());
    Some(Software {
        name: short(&item["name"])?,
        version: short(&item["version"]),
    })
}

/// The readable entries of a list.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    entries(value).filter(|item| decode::fault(item).is_none())
}

fn entries(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn positive(value: &Value) -> Option<i64> {
    number(value).filter(|number| *number > 0)
}

/// The sum of what is known; `None` when nothing is.
fn sum(values: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    values.flatten().reduce(i64::saturating_add)
}

fn processors(value: &Value) -> Option<String> {
    let mut names: Vec<String> = list(value).filter_map(|cpu| text(&cpu["name"])).collect();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

fn base_board(value: &Value) -> Option<String> {
    let words = [text(&value["manufacturer"]), text(&value["product"])];
    let words: Vec<String> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn disk(item: &Value) -> Disk {
    Disk {
        description: text(&item["description"]),
        free_bytes: number(&item["freespace"]),
        name: text(&item["diskIdentifier"]),
        size_bytes: positive(&item["size"]),
    }
}

/// Whether a disk is part of the machine, as far as it says.
fn is_fixed(disk: &Disk) -> bool {
    let kind = disk
        .description
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    ![
        "removable",
        "network",
        "remote",
        "cd-rom",
        "compact disc",
        "floppy",
    ]
    .iter()
    .any(|other| kind.contains(other))
}

fn interface(item: &Value) -> Interface {
    Interface {
        ipv4: text(&item["ipv4"]),
        ipv6: text(&item["ipv6"]),
        mac_address: text(&item["macAddress"]),
        name: text(&item["instance"]).or_else(|| text(&item["name"])),
    }
}

fn module(item: &Value) -> MemoryModule {
    MemoryModule {
        module: text(&item["module"]),
        part_number: text(&item["partNumber"]),
        size_bytes: positive(&item["size"]),
        speed: text(&item["speed"]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn computer_inventory_is_mapped() {
        let found = audit(&json!({
            "systemInfo": {"manufacturer": "Dell Inc.", "model": "OptiPlex 7010", "totalCpuCores": 8,
                "totalPhysicalMemory": 17_179_869_184_i64},
            "bios": {"serialNumber": "ABC1234", "smBiosVersion": "1.2.3", "releaseDate": 1_700_000_000_000_i64},
            "baseBoard": {"manufacturer": "Dell Inc.", "product": "0GXM1W"},
            "processors": [{"name": "Intel Core i7"}, {"name": "Intel Core i7"}],
            "logicalDisks": [
                {"description": "Local Fixed Disk", "diskIdentifier": "C:", "size": 500, "freespace": 100},
                {"description": "Network Connection", "diskIdentifier": "Z:", "size": 9_000, "freespace": 1},
                {"description": "CD-ROM Disc", "diskIdentifier": "D:", "size": 0, "freespace": 0}],
            "nics": [{"instance": "Ethernet", "macAddress": "02:00", "ipv4": "10.0.0.1", "ipv6": null}],
            "physicalMemory": null, "displays": [{"instance": "x"}],
        }));
        assert_eq!(found.fields["serial_number"], "ABC1234");
        let hardware = found.hardware;
        assert_eq!(hardware.cpu.as_deref(), Some("Intel Core i7"));
        assert_eq!(
            (hardware.disk_bytes, hardware.disk_free_bytes),
            (Some(500), Some(100))
        );
        assert_eq!(
            (hardware.cpu_cores, hardware.parts.disks.len()),
            (Some(8), 3)
        );
        assert_eq!(hardware.base_board.as_deref(), Some("Dell Inc. 0GXM1W"));
    }

    #[test]
    fn implausible_bios_date_is_unknown_and_reported() {
        let released = |date: Value| {
            let found = audit(&json!({"bios": {"releaseDate": date, "smBiosVersion": "1.2.3"}}));
            assert_eq!(found.hardware.bios_version.as_deref(), Some("1.2.3"));
            let named = found.unread.into_iter().map(|unread| unread.member);
            (found.hardware.bios_released_at, named.collect::<Vec<_>>())
        };
        for odd in [
            json!(1_700_000_000_000_000_i64),
            json!("9999-12-31"),
            json!({}),
        ] {
            assert_eq!(released(odd), (None, vec!["bios.releaseDate".to_owned()]));
        }
        for never in [json!(null), json!(0), json!("")] {
            assert_eq!(released(never), (None, Vec::new()));
        }
        let leap = released(json!("2016-12-31T23:59:60Z")).0.unwrap();
        assert_eq!(leap.to_rfc3339(), "2017-01-01T00:00:00+00:00");
    }

    #[test]
    fn host_and_printer_serial_numbers_are_mapped() {
        let host = audit(&json!({
            "systemInfo": {"manufacturer": "HPE", "model": "DL380", "serviceTag": "CZ1"},
            "processors": [{"name": "Xeon", "numberOfCores": 16}, {"name": "Xeon", "numberOfCores": 16}],
            "physicalMemory": [{"module": "A1", "size": 64}, {"module": "A2", "size": 64}],
        }));
        assert_eq!(host.fields["serial_number"], "CZ1");
        assert_eq!(
            (host.hardware.cpu_cores, host.hardware.ram_bytes),
            (Some(32), Some(128))
        );
        let printer = audit(
            &json!({"snmpInfo": {"snmpSerial": "VNB3"}, "systemInfo": {"model": "LaserJet"}}),
        );
        assert_eq!(printer.fields["serial_number"], "VNB3");
        assert_eq!(printer.fields["manufacturer"], Value::Null);
    }

    #[test]
    fn unknown_values_and_placeholder_serials_are_null() {
        for serial in [
            "To be filled by O.E.M.",
            "Default string",
            "0",
            "0000-0000",
            "None",
            "Default string\t",
            "INVALID",
            "0123456789",
            " ",
        ] {
            let found = audit(&json!({"bios": {"serialNumber": serial}}));
            assert_eq!(found.fields["serial_number"], Value::Null, "{serial}");
        }
        assert_eq!(audit(&Value::Null).hardware, Hardware::default());
        assert_eq!(software(&json!({"name": "", "version": "1"})), None);
        let long = software(&json!({"name": "x".repeat(3_000)})).unwrap();
        assert_eq!(long.name.len(), 1_000);
        assert_eq!(
            software(&json!({"name": "7-Zip", "version": ""}))
                .unwrap()
                .version,
            None
        );
    }
}
