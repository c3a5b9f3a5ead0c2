//! What is in a device and on it, and the fields that the MSP keeps at the RMM, as tables.

use codex_core::{
    assets::audit::{Audit, Hardware},
    plural::count_of,
};
use serde_json::Value;

use crate::pages::{
    fields::{moment, text},
    table::{Cell, Head, TableView},
};

/// What user-defined fields hold, by name. Secret ones are kept elsewhere.
const USER_FIELDS: [(&str, &str); 6] = [
    ("udf1", "Entra ID tenant"),
    ("udf3", "Disk information"),
    ("udf4", "Enabled administrators"),
    ("udf5", "Windows 11"),
    ("udf6", "Backup usage"),
    ("udf7", "Device type"),
];
/// The most programs on a page.
const MOST_PROGRAMS: usize = 400;

fn heads<const N: usize>(labels: [&str; N]) -> Vec<Head> {
    let heads = labels.map(|label| Head {
        label: label.to_owned(),
        href: None,
        aria_sort: None,
    });
    heads.into_iter().collect()
}

/// The user-defined fields that have a value; `None` when none has.
pub(super) fn user_fields(udf: &impl serde::Serialize) -> Option<(TableView, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(udf) else {
        return None;
    };
    let number = |name: &str| {
        let number = name.trim_start_matches("udf").parse::<u32>();
        number.unwrap_or(u32::MAX)
    };
    let mut fields: Vec<(String, String)> = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, text(&value)?)))
        .collect();
    fields.sort_by_key(|(name, _)| number(name));
    let rows = fields.into_iter().map(|(name, value)| {
        let known = USER_FIELDS.iter().find(|(known, _)| *known == name);
        let label = known.map_or_else(|| name.to_uppercase(), |(_, label)| (*label).to_owned());
        vec![Cell::of(label), Cell::of(value)]
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then(|| {
        let table = TableView {
            caption: "User-defined fields".to_owned(),
            heads: heads(["Field", "Value"]),
            rows,
            empty: String::new(),
        };
        (table, String::new())
    })
}

/// The hardware.
pub(super) fn inventory(audit: Option<&Audit>) -> TableView {
    let found = audit.and_then(|audit| Some((audit, audit.hardware.as_ref()?)));
    let rows = found.map(|(audit, hardware)| rows(audit, hardware));
    TableView {
        caption: "Inventory".to_owned(),
        heads: heads(["Part", "What was found"]),
        rows: rows.unwrap_or_default(),
        empty: "No inventory of this device has been read yet.".to_owned(),
    }
}

fn rows(audit: &Audit, hardware: &Hardware) -> Vec<Vec<Cell>> {
    let own = [
        ("Taken", Some(moment(audit.audited_at))),
        ("Main board", hardware.base_board.clone()),
        ("BIOS", hardware.bios_version.clone()),
        ("BIOS released", hardware.bios_released_at.map(moment)),
        ("Processor", hardware.cpu.clone()),
        ("Cores", hardware.cpu_cores.map(|cores| cores.to_string())),
        ("Memory", hardware.ram_bytes.map(gib)),
        ("Disks", hardware.disk_bytes.map(gib)),
        ("Free on disks", hardware.disk_free_bytes.map(gib)),
    ];
    let own = own
        .into_iter()
        .filter_map(|(label, value)| Some((label.to_owned(), value?)));
    let parts = &hardware.parts;
    let disks = parts.disks.iter().map(|disk| {
        let sizes = [(disk.size_bytes, ""), (disk.free_bytes, " free")];
        let sizes = sizes
            .into_iter()
            .filter_map(|(bytes, what)| Some(gib(bytes?) + what));
        let texts = disk.description.iter().cloned().chain(sizes);
        (named("Disk", disk.name.as_deref()), joined(texts))
    });
    let memory = parts.memory.iter().map(|module| {
        let texts = [
            module.size_bytes.map(gib),
            module.speed.clone(),
            module.part_number.clone(),
        ];
        (
            named("Memory", module.module.as_deref()),
            joined(texts.into_iter().flatten()),
        )
    });
    let interfaces = parts.interfaces.iter().map(|interface| {
        let texts = [&interface.mac_address, &interface.ipv4, &interface.ipv6];
        let texts = texts.into_iter().flatten().cloned();
        (named("Interface", interface.name.as_deref()), joined(texts))
    });
    let all = own.chain(disks).chain(memory).chain(interfaces);
    all.map(|(label, value)| vec![Cell::of(label), Cell::of(value)])
        .collect()
}

fn named(kind: &str, name: Option<&str>) -> String {
    name.map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"))
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// The programs; the first of very many.
pub(super) fn software(audit: Option<&Audit>) -> TableView {
    let programs = audit
        .and_then(|audit| audit.software.as_deref())
        .unwrap_or_default();
    let count = count_of(programs.len(), "program");
    let rows = programs.iter().take(MOST_PROGRAMS).map(|program| {
        let version = program.version.clone().unwrap_or_default();
        vec![Cell::of(program.name.as_str()), Cell::of(version)]
    });
    TableView {
        caption: if programs.len() > MOST_PROGRAMS {
            format!("{count}, the first {MOST_PROGRAMS} by name")
        } else {
            count
        },
        heads: heads(["Program", "Version"]),
        rows: rows.collect(),
        empty: "No programs of this device have been read yet.".to_owned(),
    }
}

/// Bytes in gibibytes, with a decimal.
fn gib(bytes: i64) -> String {
    let tenths = i128::from(bytes) * 10 / (1 << 30);
    format!("{}.{} GiB", tenths / 10, (tenths % 10).abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn user_fields_are_named_and_in_order() {
        let fields = json!({"udf10": "z", "udf4": "ADMIN", "udf5": " "});
        let (table, _) = user_fields(&fields).unwrap();
        let texts: Vec<_> = table
            .rows
            .iter()
            .flatten()
            .map(|cell| cell.text.as_str())
            .collect();
        assert_eq!(texts, ["Enabled administrators", "ADMIN", "UDF10", "z"]);
        assert!(user_fields(&json!({})).is_none());
    }

    #[test]
    fn sizes_are_in_gibibytes() {
        assert_eq!(gib(17_179_869_184), "16.0 GiB");
        assert_eq!(gib(549_000_000_000), "511.2 GiB");
        assert_eq!(gib(0), "0.0 GiB");
    }
}
