//! What somebody searches for, and the conditions on the index that it makes.

use crate::{
    fold::SearchKey,
    mac,
    records::{
        SearchDef,
        search_index::{KIND_NUMBER, RECORD_ID},
    },
    store::{Engine, Q},
};

/// Shorter words have no trigram.
pub(crate) const TRIGRAM: usize = 3;

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
        mac::bare(word).filter(|digits| digits != word)
    }

    /// Whether a folded text holds all words, each in one of its forms.
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

/// Adds the condition that the text of the index holds every word of a term.
pub(crate) fn holds(q: &mut Q<'_>, engine: Engine, term: &Term) {
    let indexed = |word: &&String| engine == Engine::Sqlite && word.chars().count() >= TRIGRAM;
    let (matched, scanned): (Vec<&String>, Vec<&String>) = term.words.iter().partition(indexed);
    q.unprepared().push("1 = 1");
    if !matched.is_empty() {
        let words = matched.iter().map(|word| {
            let quoted = format!("\"{}\"", word.replace('"', "\"\""));
            match Term::other_form(word) {
                Some(other) => format!("({quoted} OR \"{other}\")"),
                None => quoted,
            }
        });
        let query = words.collect::<Vec<_>>().join(" AND ");
        q.push(" and search_names.text match ").push_bind(query);
    }
    for word in scanned {
        let escaped = word
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        q.push(" and (search_names.text like ")
            .push_bind(format!("%{escaped}%"));
        q.push(" escape '\\'");
        if let Some(other) = Term::other_form(word) {
            q.push(" or search_names.text like ")
                .push_bind(format!("%{other}%"));
        }
        q.push(")");
    }
}

/// The records of one kind whose names hold a term, as a condition on `column`.
pub(crate) fn found(
    q: &mut Q<'_>,
    engine: Engine,
    search: &SearchDef,
    column: &'static str,
    term: &Term,
) {
    q.push(column).push(" in (select ").push(RECORD_ID);
    q.push(" from search_names where ");
    holds(q, engine, term);
    q.push(" and ").push(KIND_NUMBER).push(" = ");
    q.push_bind(search.number).push(")");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_matches_rank_first() {
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
    fn expanding_letters_do_not_lengthen_a_term() {
        let term = Term::new(&"\u{3316}".repeat(LONGEST)).unwrap();
        assert_eq!(term.text.chars().count(), LONGEST);
        assert_eq!(term.words, [term.text]);
    }
}
