//! Folding of names for search and order.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Lower case without diacritics, trimmed: what is compared when a person searches or sorts.
///
/// Done here and stored, because `lower()` folds ASCII only on `SQLite` and by locale on `PostgreSQL`.
pub fn fold(text: &str) -> String {
    text.trim()
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .flat_map(|c| if c == 'ß' { ['s', 's'] } else { [c, '\0'] })
        .filter(|c| *c != '\0')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn case_and_diacritics_disappear() {
        assert_eq!(fold("  Ärger STRASSE "), "arger strasse");
        assert_eq!(fold("Straße"), "strasse");
        assert_eq!(fold("日本"), "日本");
    }
}
