//! Counts in words.

use std::fmt::Display;

/// A count with its noun, such as `1 issue`, `2 issues`, `0 entries`.
pub fn count_of(count: impl Display, noun: &str) -> String {
    let count = count.to_string();
    let noun = if count == "1" {
        noun.to_owned()
    } else {
        plural(noun)
    };
    format!("{count} {noun}")
}

/// The word that goes with a count: `agree(1, "is", "are")` is `is`.
pub fn agree<'w>(count: impl Display, one: &'w str, more: &'w str) -> &'w str {
    if count.to_string() == "1" { one } else { more }
}

fn plural(noun: &str) -> String {
    let stem = noun.strip_suffix('y');
    match stem {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        for (count, noun, text) in [
            (0, "issue", "0 issues"),
            (1, "issue", "1 issue"),
            (2, "issue", "2 issues"),
            (1, "entry", "1 entry"),
            (2, "entry", "2 entries"),
            (2, "day", "2 days"),
        ] {
            assert_eq!(count_of(count, noun), text);
        }
        assert_eq!(
            [0, 1, 2].map(|count| agree(count, "is", "are")),
            ["are", "is", "are"]
        );
    }
}
