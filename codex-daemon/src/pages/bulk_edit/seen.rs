//! The ids of a selection as a form carries them, so that a later selection can be compared: runs of ids that follow
//! one another, in hexadecimal.

use std::fmt::Write as _;

use codex_core::bulk::MAX_SELECTED;

/// Ids in order as one word: each run as the distance to the end of the one before, and how many more ids it has.
pub(super) fn encode(ids: &[i64]) -> String {
    let mut word = String::new();
    let (mut end, mut rest) = (0_i64, ids);
    while let Some(&first) = rest.first() {
        let follows = |place: &usize| {
            let wanted = i64::try_from(*place).ok().map(|place| first + place);
            rest.get(*place).copied() == wanted
        };
        let length = (1..rest.len()).take_while(follows).count() + 1;
        let separator = if word.is_empty() { "" } else { "." };
        // Writing to a string cannot fail.
        let _ = write!(word, "{separator}{:x}", first - end);
        if length > 1 {
            let _ = write!(word, "-{:x}", length - 1);
        }
        end = rest[length - 1];
        rest = &rest[length..];
    }
    word
}

/// Reads what [`encode`] wrote; `None` for anything else.
pub(super) fn decode(word: &str) -> Option<Vec<i64>> {
    let mut ids: Vec<i64> = Vec::new();
    for run in word.split('.').filter(|run| !run.is_empty()) {
        let (distance, more) = run.split_once('-').unwrap_or((run, "0"));
        let distance = i64::from_str_radix(distance, 16).ok()?;
        let more = i64::from_str_radix(more, 16).ok()?;
        let first = ids.last().copied().unwrap_or(0).checked_add(distance)?;
        let is_bounded = (0..=i64::try_from(MAX_SELECTED).ok()?).contains(&more);
        if !is_bounded || distance < 1 || ids.len() > MAX_SELECTED {
            return None;
        }
        ids.extend(first..=first.checked_add(more)?);
    }
    (ids.len() <= MAX_SELECTED).then_some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were() {
        for (ids, word) in [
            (&[][..], ""),
            (&[7], "7"),
            (&[1, 2, 3, 10, 12, 13], "1-2.7.2-1"),
            (&[255, 300], "ff.2d"),
        ] {
            assert_eq!(encode(ids), word);
            assert_eq!(decode(word).as_deref(), Some(ids));
        }
        let most: Vec<i64> = (1..=10_000).map(|id| id * 200).collect();
        let word = encode(&most);
        assert!(word.len() <= 30_000, "{}", word.len());
        assert_eq!(decode(&word), Some(most));
    }

    #[test]
    fn other_words_are_refused() {
        for word in [
            "x",
            "1-",
            "-1",
            "0",
            "1-ffffff",
            "7fffffffffffffff.1",
            "1--1",
        ] {
            assert_eq!(decode(word), None, "{word}");
        }
    }
}
