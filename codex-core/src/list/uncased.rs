//! Text compared without regard to case, the same on both engines.
//!
//! `lower()` of `SQLite` knows ASCII only, that of `PostgreSQL` follows the locale of its cluster. So both engines are
//! asked for the small letters of ASCII, and each other letter that a value has is replaced in the column by its small
//! form.

use std::collections::BTreeMap;

use crate::store::{Q, Sql};

/// Letters that are the same but for their case, which Unicode's mappings of single letters do not tell.
const FURTHER: [(char, char); 2] = [('ς', 'σ'), ('ẞ', 'ß')];

/// The most letters that a column is asked to have replaced: each is one function around the others, and engines take
/// functions in one another to some depth only.
pub(super) const MOST_LETTERS: usize = 200;

/// Values in small letters, and what a column needs to be compared with them.
#[derive(Debug, Default)]
pub(super) struct Uncased {
    pub values: Vec<String>,
    /// The small form of each other form of a letter that is in a value.
    letters: BTreeMap<char, char>,
}

impl Uncased {
    pub fn new<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut uncased = Self::default();
        for value in values {
            let value = value.chars().map(|letter| uncased.small(letter)).collect();
            uncased.values.push(value);
        }
        uncased
    }

    fn small(&mut self, letter: char) -> char {
        if letter.is_ascii() {
            return letter.to_ascii_lowercase();
        }
        let further = FURTHER.into_iter().find(|(form, _)| *form == letter);
        let small =
            further.map_or_else(|| single(letter.to_lowercase(), letter), |(_, small)| small);
        let large = single(small.to_uppercase(), small);
        let further = FURTHER.into_iter().filter(|(_, other)| *other == small);
        let forms = further.map(|(form, _)| form).chain([large, letter]);
        let forms = forms.filter(|form| *form != small);
        self.letters.extend(forms.map(|form| (form, small)));
        small
    }

    /// Whether the values have more different letters than a column can be asked for.
    pub fn has_too_many_letters(&self) -> bool {
        self.letters.len() > MOST_LETTERS
    }

    /// Adds a column in small letters.
    pub fn push_column(&self, q: &mut Q<'_>, sql: &'static str) {
        for _ in &self.letters {
            q.push("replace(");
        }
        q.push("lower(").push(sql).push_sql(Sql::Per {
            sqlite: ")",
            pg: " collate \"C\")",
        });
        for (form, small) in &self.letters {
            q.push(", ").push_bind(form.to_string());
            q.push(", ").push_bind(small.to_string()).push(")");
        }
    }
}

/// What a letter is mapped to, where that is one letter.
fn single(mut mapped: impl Iterator<Item = char>, letter: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => letter,
    }
}

/// Adds a column of hardware addresses as [`crate::mac::digits`].
pub(super) fn push_digits(q: &mut Q<'_>, sql: &'static str) {
    q.push("replace(replace(replace(replace(lower(").push(sql);
    q.push("), ':', ''), '-', ''), '.', ''), ' ', '')");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_variants_share_one_lowercase_form() {
        let uncased = Uncased::new(["ÄRGER", "ärger", "ΟΔΟΣ", "οδος", "οδοσ", "STRAẞE"]);
        let values: Vec<&str> = uncased.values.iter().map(String::as_str).collect();
        assert_eq!(values, ["ärger", "ärger", "οδοσ", "οδοσ", "οδοσ", "straße"]);
        let letters: Vec<_> = uncased.letters.into_iter().collect();
        assert!(letters.contains(&('Ä', 'ä')) && letters.contains(&('Σ', 'σ')));
        assert!(letters.contains(&('ς', 'σ')) && letters.contains(&('ẞ', 'ß')));
        assert!(letters.iter().all(|(form, small)| form != small));
        assert!(Uncased::new(["plain ASCII"]).letters.is_empty());
    }
}
