//! How texts are found and sorted.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A text for searching and sorting: small letters without diacritics, compatibility forms and invisible characters
/// resolved, trimmed. It says nothing about identity: `müller` and `muller` have the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "store", derive(sqlx::Type), sqlx(transparent))]
pub struct SearchKey(String);

super::key!(SearchKey);

impl SearchKey {
    /// The key of a text.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        if text.is_ascii() {
            return Self(text.to_ascii_lowercase());
        }
        let mut key = String::with_capacity(text.len());
        let letters = text
            .nfkd()
            .filter(|c| !is_combining_mark(*c) && !is_invisible(*c));
        for c in letters.flat_map(char::to_lowercase) {
            match without_stroke(c) {
                Some(plain) => key.push_str(plain),
                // A small letter may have come with its mark, as that of `İ` does.
                None => key.extend(Some(c).filter(|c| !is_combining_mark(*c))),
            }
        }
        let trimmed = key.trim();
        if trimmed.len() < key.len() {
            key = trimmed.to_owned();
        }
        Self(key)
    }
}

/// Characters that show nothing: zero width ones, soft hyphens, marks of direction.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Letters that Unicode does not take apart, and what people type for them.
fn without_stroke(c: char) -> Option<&'static str> {
    Some(match c {
        'ς' => "σ",
        'ı' => "i",
        'ł' => "l",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ĸ' => "k",
        'ŋ' => "n",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        SearchKey::new(text).to_string()
    }

    #[test]
    fn case_diacritics_and_strokes_are_folded() {
        assert_eq!(key("  Ärger STRASSE "), "arger strasse");
        assert_eq!(key("Straße"), "strasse");
        assert_eq!(key("日本"), "日本");
        assert_eq!(key("ΝΙΚΟΣ Νίκος"), "νικοσ νικοσ");
        assert_eq!(key("Łódź Ørsted Işık İzmir"), "lodz orsted isik izmir");
        assert_eq!(key("Đorđe Æsir \u{212a}ate"), "dorde aesir kate");
        assert_eq!(key("\u{feff}Ac\u{200b}me\u{ad} \u{200d}"), "acme");
    }

    #[test]
    fn folding_a_key_again_changes_nothing() {
        for c in '\0'..=char::MAX {
            let once = SearchKey::new(&format!("a{c}b"));
            assert_eq!(SearchKey::new(once.as_str()), once, "{:x}", u32::from(c));
        }
    }
}
