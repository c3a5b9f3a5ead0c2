//! `.flaskenv`: `NAME=value` lines, as python-dotenv and Helm read them.

/// The variables of a file in order. Lines that are no assignment are skipped, as python-dotenv does.
pub fn parse(text: &str) -> Vec<(String, String)> {
    text.lines().filter_map(assignment).collect()
}

fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (name, value) = line
        .strip_prefix("export ")
        .unwrap_or(line)
        .split_once('=')?;
    Some((name.trim().to_owned(), unquote(value.trim()).to_owned()))
}

/// The inside of quotes, or an unquoted value up to a comment.
fn unquote(value: &str) -> &str {
    for quote in ['\'', '"'] {
        if let Some((inside, _)) = value.strip_prefix(quote).and_then(|v| v.split_once(quote)) {
            return inside;
        }
    }
    super::ini::strip_comment(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_comments_are_stripped_from_values() {
        let text = "# c\nA='http://x'\nexport B=\"b # b\"\nC = 1 # note\nnonsense\nD=\n";
        let is = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(
            parse(text),
            [
                is("A", "http://x"),
                is("B", "b # b"),
                is("C", "1"),
                is("D", "")
            ]
        );
    }
}
