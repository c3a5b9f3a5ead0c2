//! Hardware addresses, which everybody spells differently.

/// What stands between the digits.
const BETWEEN: [char; 4] = [':', '-', '.', ' '];
/// The digits of a whole address.
const WHOLE: usize = 12;

/// The digits of an address in small letters, without what stands between them.
pub fn digits(address: &str) -> String {
    let digits = address.chars().filter(|c| !BETWEEN.contains(c));
    digits.map(|c| c.to_ascii_lowercase()).collect()
}

/// The digits of a text that is a whole address.
pub fn bare(text: &str) -> Option<String> {
    let digits = digits(text);
    let whole = digits.len() == WHOLE && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    whole.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mac_addresses_are_normalized_to_digits() {
        for spelling in [
            "00:1A:2b:3C:4d:5E",
            "00-1a-2b-3c-4d-5e",
            "001A.2B3C.4D5E",
            "001a2b3c4d5e",
        ] {
            assert_eq!(
                bare(spelling).as_deref(),
                Some("001a2b3c4d5e"),
                "{spelling}"
            );
        }
        for other in [
            "00:1A:2b",
            "Straightforw",
            "",
            "00:1A:2b:3C:4d:5E:6f",
            "\u{ff10}01a2b3c4d",
        ] {
            assert_eq!(bare(other), None, "{other}");
        }
        assert_eq!(digits("00:1A"), "001a");
    }
}
