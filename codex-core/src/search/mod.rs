//! Search over all kinds of record: names by any part of them, what was said on tickets by its words.

use crate::fold::SearchKey;

#[cfg(feature = "store")]
pub(crate) mod index;
#[cfg(feature = "store")]
mod own;
#[cfg(feature = "store")]
pub(crate) mod query;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

/// The kinds that are searched, by their number in the index, in the order in which equals are shown.
pub const KINDS: [(i64, &str); 8] = [
    (1, "company"),
    (2, "contact"),
    (3, "asset"),
    (4, "ticket"),
    (5, "location"),
    (6, "psa_agent"),
    (7, "billing_plan"),
    (8, "agent"),
];

/// Whether a caller may find records of a kind: who is allowed to list them (design 6).
#[cfg(feature = "store")]
pub(crate) fn is_for(scope: &crate::Scope, kind: i64) -> bool {
    match kind {
        1..=5 => true,
        6 | 7 => scope.require_staff("searching").is_ok(),
        _ => scope.require_admin("searching").is_ok(),
    }
}

/// A search term: folded words, all of which must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The term as a whole, folded.
    pub text: String,
    /// Its words, folded.
    pub words: Vec<String>,
}

/// The longest term, in characters.
const LONGEST: usize = 200;

impl Term {
    /// Reads a term; `None` when it says nothing.
    pub fn new(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| *c != '\0').take(LONGEST).collect();
        let key = SearchKey::new(&text);
        // Folding makes some letters many, and no engine takes a word of any length.
        let text: String = key.as_str().chars().take(LONGEST).collect();
        let text = text.trim_end().to_owned();
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        (!words.is_empty()).then_some(Self { text, words })
    }

    /// The other form of a word that is a hardware address: the index has it as it is written, and its digits alone.
    pub(crate) fn other_form(word: &str) -> Option<String> {
        crate::mac::bare(word).filter(|digits| digits != word)
    }

    /// Whether a folded text holds all words, each in one of its forms.
    #[cfg(feature = "store")]
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let other = |word: &str| Self::other_form(word).is_some_and(|other| text.contains(&other));
        let mut words = self.words.iter();
        words.all(|word| text.contains(word) || other(word))
    }

    /// How well a folded text fits: the lower, the better.
    pub fn rank(&self, text: &str) -> u8 {
        let mut parts = text.split('\n');
        if parts.clone().any(|part| part == self.text) {
            0
        } else if text.starts_with(&self.text) {
            1
        } else if parts.any(|part| part.starts_with(&self.text)) {
            2
        } else {
            let begins = |word: &String| {
                text.split(|c: char| !c.is_alphanumeric())
                    .any(|part| part.starts_with(word.as_str()))
            };
            if self.words.iter().all(begins) { 3 } else { 4 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_fit_comes_first() {
        let term = Term::new("  ACME ").unwrap();
        let ranks = [
            "acme",
            "acme gmbh\n100001",
            "x\nacme inc",
            "the acme company",
            "lacmeo",
        ];
        assert_eq!(ranks.map(|text| term.rank(text)), [0, 1, 2, 3, 4]);
        assert_eq!(Term::new(" \0 "), None);
    }

    #[test]
    fn a_term_stays_short_when_its_letters_become_many() {
        let term = Term::new(&"\u{3316}".repeat(LONGEST)).unwrap();
        assert_eq!(term.text.chars().count(), LONGEST);
        assert_eq!(term.words, [term.text]);
    }
}
