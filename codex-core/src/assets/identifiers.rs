//! What hardware says of itself, in one spelling: serial numbers and MAC addresses.
//!
//! A key is there only for what can tell one device from another. Manufacturers leave serial numbers empty in many
//! words, and some addresses belong to no machine: they are made up, or go with a dock or an adapter.

use crate::{fold::IdentityKey, ids::CompanyId};

/// The fewest digits of a number in a link that counts as an id.
const ID_DIGITS: usize = 3;

/// The keys by which a sync finds an imported device: its uid and the ids in its links, each once. A key that several
/// devices share, such as the number of a site, matches none of them.
pub(crate) fn device_keys(texts: impl IntoIterator<Item = Option<String>>) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for text in texts.into_iter().flatten() {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        for part in path.split('/').map(str::trim) {
            let is_number =
                part.len() >= ID_DIGITS && part.bytes().all(|byte| byte.is_ascii_digit());
            let is_uid = part.split('-').map(str::len).eq([8, 4, 4, 4, 12])
                && part
                    .bytes()
                    .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
            let key = format!("device/{}", part.to_ascii_lowercase());
            if (is_number || is_uid) && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

/// The key of an imported device without ids in its links: its host name in its company.
pub(crate) fn host_key(company: CompanyId, hostname: &str) -> Option<String> {
    let name = IdentityKey::of(hostname)?;
    Some(format!("host/{company}/{name}"))
}

/// What stands where a serial number should be, in small letters with single spaces: vendors' inventories of many
/// boards, and what SMBIOS gives for fields that nobody has filled in.
const PLACEHOLDERS: [&str; 44] = [
    "0123456789",
    "01234567890123456789",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "base board serial number",
    "baseboard serial number",
    "chassis serial number",
    "default",
    "default string",
    "default_string",
    "empty",
    "fill by oem",
    "filled by oem",
    "invalid",
    "n/a",
    "na",
    "nil",
    "no serial",
    "no serial number",
    "none",
    "not applicable",
    "not available",
    "not present",
    "not set",
    "not settable",
    "not specified",
    "null",
    "o.e.m.",
    "oem",
    "oem_serial",
    "serial",
    "serial number",
    "system serial number",
    "tbd",
    "test",
    "to be filled by o.e.m",
    "to be filled by o.e.m.",
    "to be filled by oem",
    "undefined",
    "unknown",
    "unspecified",
];

/// Makers of addresses that are no machine's own: virtual adapters, and network adapters of docks and plugs.
const SHARED_MAKERS: [[u8; 3]; 19] = [
    [0x00, 0x03, 0xff], // Microsoft Virtual PC
    [0x00, 0x05, 0x69], // VMware
    [0x00, 0x05, 0x9a], // Cisco AnyConnect
    [0x00, 0x09, 0x0f], // Fortinet SSL VPN
    [0x00, 0x0c, 0x29], // VMware
    [0x00, 0x0e, 0xc6], // ASIX, USB adapters
    [0x00, 0x15, 0x5d], // Hyper-V
    [0x00, 0x16, 0x3e], // Xen
    [0x00, 0x1c, 0x14], // VMware
    [0x00, 0x1c, 0x42], // Parallels
    [0x00, 0x50, 0x56], // VMware
    [0x00, 0x50, 0xb6], // Good Way, docks
    [0x00, 0x53, 0x45], // PPP adapters of Windows
    [0x00, 0xe0, 0x4c], // Realtek, USB adapters
    [0x00, 0xff, 0x00], // TAP adapters
    [0x08, 0x00, 0x27], // VirtualBox
    [0x20, 0x41, 0x53], // "RAS", WAN miniports of Windows
    [0x50, 0x50, 0x54], // "PPT", WAN miniports of Windows
    [0x44, 0x45, 0x53], // "DES", Check Point and old VPN adapters
];

/// A serial number without what stands around it; `None` for a placeholder.
pub(crate) fn serial_number(text: &str) -> Option<&str> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain = words.join(" ").to_lowercase();
    let mut signs = plain.chars().filter(|c| c.is_alphanumeric());
    let first = signs.next()?;
    let is_one_sign = signs.all(|c| c == first);
    (!is_one_sign && !PLACEHOLDERS.contains(&plain.as_str())).then_some(text)
}

/// A serial number for comparison.
pub(crate) fn serial_key(text: &str) -> Option<IdentityKey> {
    serial_number(text).map(IdentityKey::new)
}

/// A MAC address as six bytes, however it is spelled; `None` when it is none, or says nothing.
pub(crate) fn mac_address(text: &str) -> Option<[u8; 6]> {
    let digits: String = text
        .trim()
        .chars()
        .filter(|c| !matches!(c, ':' | '-' | '.' | ' '))
        .collect();
    if digits.len() != 12 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 6];
    for (byte, place) in bytes.iter_mut().zip((0..12).step_by(2)) {
        *byte = u8::from_str_radix(&digits[place..place + 2], 16).ok()?;
    }
    (bytes != [0; 6] && bytes != [0xff; 6]).then_some(bytes)
}

/// Whether an address may be of several machines: given out locally or to groups (the two lowest bits of the first
/// byte, IEEE 802), or by a maker of virtual adapters and docks.
pub(crate) fn is_shared(address: [u8; 6]) -> bool {
    let maker = [address[0], address[1], address[2]];
    address[0] & 0b11 != 0 || SHARED_MAKERS.contains(&maker)
}

/// The address of one machine for comparison; `None` for one that may be of several.
pub(crate) fn mac_key(text: &str) -> Option<String> {
    let address = mac_address(text).filter(|address| !is_shared(*address))?;
    Some(address.map(|byte| format!("{byte:02x}")).concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholder_serial_numbers_are_ignored() {
        for text in [
            "System Serial Number",
            "Default string\t",
            "Default string",
            "To be filled by O.E.M.",
            "To Be Filled By O.E.M",
            "0123456789",
            "None",
            "INVALID",
            "Not Specified",
            " not   specified ",
            "N/A",
            "NA",
            "Not Applicable",
            "Unknown",
            "Empty",
            "0",
            "00000000",
            "0000-0000 0000",
            "XXXXXXX",
            "FFFFFFFF",
            "123456789",
            "Chassis Serial Number",
            "Serial",
            "\u{0}",
            "........",
            "",
        ] {
            assert_eq!(serial_number(text), None, "{text:?}");
        }
        for text in ["SN000007", "5CG1234ABC", "VMware-56 4d 2a", "A1", "ÄB-9"] {
            assert_eq!(serial_number(text), Some(text));
        }
        assert_eq!(serial_key(" sn000007\t"), serial_key("SN000007"));
    }

    #[test]
    fn mac_spellings_share_one_key() {
        let spellings = [
            "3C:52:82:00:00:01",
            "3c-52-82-00-00-01",
            "3c52.8200.0001",
            " 3C5282000001 ",
        ];
        for text in spellings {
            assert_eq!(mac_key(text).as_deref(), Some("3c5282000001"), "{text}");
        }
        for text in [
            "00:00:00:00:00:00",
            "FF:FF:FF:FF:FF:FF",
            "02:00:4C:4F:4F:50",
            "02:42:ac:11:00:02",
            "01:00:5e:00:00:01",
            "00:15:5D:01:02:03",
            "00:50:56:c0:00:01",
            "52:54:00:12:34:56",
            "3C:52:82:00:00",
            "3C:52:82:00:00:0g",
            "",
        ] {
            assert_eq!(mac_key(text), None, "{text}");
        }
    }
}
