//! The words that texts are found by.

use std::collections::BTreeSet;

use super::SearchKey;

/// The most characters of a text whose words are kept.
const LONGEST_TEXT: usize = 100_000;
/// The most bytes of all words of a text: `PostgreSQL` takes less than 1 MiB.
const LONGEST_WORDS: usize = 400_000;
/// The most characters of one word: `PostgreSQL` takes up to 2,046 bytes.
const LONGEST_WORD: usize = 200;

/// The words of a text, each once, in order, with a space between: what is not a letter or a digit parts them. Both
/// engines index this text as it is; what their own parsers take for a word differs, by locale too.
pub(crate) fn words(text: &str) -> String {
    let end = text.char_indices().nth(LONGEST_TEXT);
    let key = SearchKey::new(end.map_or(text, |(end, _)| &text[..end]));
    let words: BTreeSet<&str> = key
        .as_str()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(cut)
        .collect();
    let mut text = String::new();
    for word in words {
        if text.len() + word.len() >= LONGEST_WORDS {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

fn cut(word: &str) -> &str {
    let end = word.char_indices().nth(LONGEST_WORD);
    end.map_or(word, |(end, _)| &word[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_punctuation() {
        assert_eq!(
            words("“Drucker” — don’t: C:\\Users\\me, a@b.test, me"),
            "a b c don drucker me t test users"
        );
        assert_eq!(words("Ünïque ΛΌΓΟΣ हिन्दी"), "unique λογοσ हनद");
        assert_eq!(words(" ... "), "");
        assert_eq!(words(&"x".repeat(5_000)).len(), LONGEST_WORD);
        let long: Vec<String> = (0..90_000).map(|n| n.to_string()).collect();
        assert!(words(&long.join(" ")).len() < LONGEST_WORDS);
        assert!(words(&"\u{fdfa}".repeat(200_000)).len() < LONGEST_WORDS);
    }
}
