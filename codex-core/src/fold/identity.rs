//! Whether two texts name the same thing.

use unicode_normalization::UnicodeNormalization;

/// A text for the question "is it the same one?": trimmed, canonically composed (NFC), case folded.
///
/// It keeps diacritics, compatibility forms (`ﬁ`, full width letters) and every character outside ASCII that Unicode
/// would turn into an ASCII one: the Kelvin sign is canonically equivalent to `K`, and the long s folds to `s`. A
/// mail server takes them for other addresses, so somebody may own them who must not be taken for somebody else.
///
/// ```
/// use codex_core::fold::IdentityKey;
/// assert_eq!(IdentityKey::new(" Kate@ACME.test"), IdentityKey::new("kate@acme.test"));
/// assert_ne!(IdentityKey::new("müller@acme.test"), IdentityKey::new("muller@acme.test"));
/// assert_ne!(IdentityKey::new("\u{212a}ate@acme.test"), IdentityKey::new("kate@acme.test"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "store", derive(sqlx::Type), sqlx(transparent))]
pub struct IdentityKey(String);

super::key!(IdentityKey);

impl IdentityKey {
    /// The key of a text.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        if text.is_ascii() {
            return Self(text.to_ascii_lowercase());
        }
        let mut key = String::with_capacity(text.len());
        // What has to stay is left out of the composition, which would replace it.
        for part in text.split_inclusive(stays) {
            let last = part.chars().next_back().filter(|c| stays(*c));
            let rest = &part[..part.len() - last.map_or(0, char::len_utf8)];
            let folded: String = rest.nfc().flat_map(case_fold).collect();
            key.extend(folded.nfc());
            key.extend(last);
        }
        Self(key)
    }

    /// The key of a text that says something.
    pub fn of(text: &str) -> Option<Self> {
        Some(Self::new(text)).filter(|key| !key.is_empty())
    }
}

/// Whether a character is outside ASCII and would become ASCII.
fn stays(c: char) -> bool {
    let in_ascii = |c: char| c.is_ascii();
    !c.is_ascii() && (std::iter::once(c).nfc().all(in_ascii) || case_fold(c).all(in_ascii))
}

/// The small letter of the capital, so that a final sigma is a sigma; `ß`, whose capital is two letters, is its own.
fn case_fold(c: char) -> std::char::ToLowercase {
    let mut capital = c.to_uppercase();
    match (capital.next(), capital.next()) {
        (Some(capital), None) => capital.to_lowercase(),
        _ => c.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::IdentityKey;

    fn same(one: &str, other: &str) -> bool {
        IdentityKey::new(one) == IdentityKey::new(other)
    }

    #[test]
    fn case_and_composition_are_ignored() {
        for (one, other) in [
            (" Kate@ACME.test\n", "kate@acme.test"),
            ("MÜLLER@acmé.test", "mu\u{308}ller@acme\u{301}.test"),
            ("ΝΙΚΟΣ@x.test", "νικος@x.test"),
            ("\u{1e9e}", "ß"),
            ("ДИМА@пример.test", "дима@ПРИМЕР.test"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        assert!(IdentityKey::of(" \t").is_none());
    }

    #[test]
    fn diacritics_and_compatibility_forms_differ() {
        for (one, other) in [
            ("müller@acme.test", "muller@acme.test"),
            ("muller@acmé.test", "muller@acme.test"),
            ("\u{212a}ate@acme.test", "kate@acme.test"),
            ("\u{17f}am@acme.test", "sam@acme.test"),
            ("\u{131}an@acme.test", "ian@acme.test"),
            ("\u{130}an@acme.test", "ian@acme.test"),
            ("\u{fb01}n@acme.test", "fin@acme.test"),
            ("\u{ff4b}ate@acme.test", "kate@acme.test"),
            ("kate@acme\u{ff0e}test", "kate@acme.test"),
            ("straße@acme.test", "strasse@acme.test"),
            ("ka\u{200b}te@acme.test", "kate@acme.test"),
            ("kаte@acme.test", "kate@acme.test"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    /// The invariant behind the list above, for all of Unicode.
    #[test]
    fn non_ascii_text_never_has_an_ascii_key() {
        for c in ('\u{80}'..=char::MAX).filter(|c| !c.is_whitespace()) {
            let key = IdentityKey::new(&format!("a{c}b"));
            assert!(!key.as_str().is_ascii(), "{:x}", u32::from(c));
            assert_eq!(IdentityKey::new(key.as_str()), key, "{:x}", u32::from(c));
        }
    }
}
