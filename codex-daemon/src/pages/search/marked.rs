//! Where a text holds the words of a search.

use codex_core::fold::SearchKey;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub text: String,
    /// Whether it is a word that was searched, or a part of one.
    pub is_marked: bool,
}

/// A text in pieces; `words` are folded. Case and diacritics do not matter, as in the search itself, so each letter is
/// compared by its folded form, which may be longer or shorter than the letter.
pub(crate) fn marked(text: &str, words: &[String]) -> Vec<Piece> {
    let letters: Vec<char> = text.chars().collect();
    let mut folded = String::with_capacity(text.len());
    // The letter that each byte of the folded text comes from.
    let mut origins: Vec<usize> = Vec::with_capacity(text.len());
    for (place, letter) in letters.iter().enumerate() {
        if letter.is_whitespace() {
            folded.push(' ');
        } else {
            folded.push_str(SearchKey::new(letter.encode_utf8(&mut [0; 4])).as_str());
        }
        origins.resize(folded.len(), place);
    }
    let mut is_marked = vec![false; letters.len()];
    for word in words.iter().filter(|word| !word.is_empty()) {
        for (start, found) in folded.match_indices(word.as_str()) {
            let end = start + found.len() - 1;
            is_marked[origins[start]..=origins[end]].fill(true);
        }
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for (letter, is_marked) in letters.into_iter().zip(is_marked) {
        match pieces.last_mut().filter(|last| last.is_marked == is_marked) {
            Some(last) => last.text.push(letter),
            None => pieces.push(Piece {
                text: letter.to_string(),
                is_marked,
            }),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The marked places in brackets.
    fn shown(text: &str, words: &[&str]) -> String {
        let words: Vec<String> = words
            .iter()
            .map(|word| SearchKey::new(word).to_string())
            .collect();
        let pieces = marked(text, &words).into_iter();
        let shown = pieces.map(|piece| {
            let (open, close) = if piece.is_marked {
                ("[", "]")
            } else {
                ("", "")
            };
            format!("{open}{}{close}", piece.text)
        });
        shown.collect()
    }

    #[test]
    fn found_words_are_marked_in_any_case_and_accent() {
        for (text, words, wanted) in [
            ("Blue Heron GmbH", &["heron"][..], "Blue [Heron] GmbH"),
            ("Łódź Ørsted", &["lodz", "orst"], "[Łódź] [Ørst]ed"),
            ("Große Straße", &["strasse"], "Große [Straße]"),
            ("Straße", &["ss"], "Stra[ß]e"),
            ("nana", &["na", "an"], "[nana]"),
            ("Cafe\u{301} au lait", &["cafe"], "[Cafe]\u{301} au lait"),
            ("", &["a"], ""),
            ("none of it", &["zebra", ""], "none of it"),
            ("\u{3316}", &["キ"], "[\u{3316}]"),
        ] {
            assert_eq!(shown(text, words), wanted);
        }
    }

    #[test]
    fn pieces_make_up_the_text() {
        let text = "a \u{200b}İ ﬁ 😀 <b>";
        let pieces = marked(text, &["i".to_owned(), "f".to_owned()]);
        let whole: String = pieces.into_iter().map(|piece| piece.text).collect();
        assert_eq!(whole, text);
    }
}
