//! `codex.conf` as Python's `configparser` reads it, and changes to it that keep everything else.
//!
//! The file is shared: Helm and the installer write it with `configparser`, people edit it with an editor. A
//! general INI crate disagrees with `configparser` on quotes and escapes, and loses comments on writing.

use std::fmt::Write as _;

/// One setting of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Section, as written.
    pub section: String,
    /// Key in lower case: `configparser` ignores case.
    pub key: String,
    /// Value without surrounding blanks; inline comments are still there.
    pub value: String,
    /// Line number, from 1.
    pub line: usize,
}

/// A line that is no setting, section or comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong, without the line's content: it may be half a secret.
    pub message: String,
}

enum Line<'a> {
    Blank,
    Section(&'a str),
    Setting(&'a str, &'a str),
    Continuation(&'a str),
    Bad,
}

fn classify(raw: &str, inside_value: bool) -> Line<'_> {
    let text = raw.trim();
    if text.is_empty() || text.starts_with(['#', ';']) {
        return Line::Blank;
    }
    if inside_value && raw.starts_with([' ', '\t']) {
        return Line::Continuation(text);
    }
    if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Line::Section(name.0.trim());
    }
    match text.split_once(['=', ':']) {
        Some((key, value)) if !key.trim().is_empty() => Line::Setting(key.trim(), value.trim()),
        _ => Line::Bad,
    }
}

/// Reads a file's settings in order.
///
/// # Errors
/// The first line that is wrong.
pub fn parse(text: &str) -> Result<Vec<Entry>, SyntaxError> {
    let (entries, errors) = scan(text);
    errors.into_iter().next().map_or(Ok(entries), Err)
}

/// The settings of a file in order, without the lines that are wrong, and those lines.
pub fn scan(text: &str) -> (Vec<Entry>, Vec<SyntaxError>) {
    let (mut entries, mut errors): (Vec<Entry>, Vec<SyntaxError>) = Default::default();
    let mut section: Option<String> = None;
    let mut inside_value = false;
    // Whether the value belongs to a line that is wrong.
    let mut skipping = false;
    for (index, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = index + 1;
        let mut wrong = |message: &str| {
            let message = message.to_owned();
            errors.push(SyntaxError { line, message });
        };
        match classify(raw, inside_value) {
            Line::Blank => inside_value = inside_value && !raw.trim().is_empty(),
            Line::Section(name) => {
                section = Some(name.to_owned());
                inside_value = false;
            }
            Line::Continuation(more) => {
                if let Some(entry) = entries.last_mut().filter(|_| !skipping) {
                    entry.value.push('\n');
                    entry.value.push_str(more);
                }
            }
            Line::Setting(key, value) => {
                (inside_value, skipping) = (true, true);
                let Some(section) = section.clone() else {
                    wrong("a setting before the first [section]");
                    continue;
                };
                let key = key.to_lowercase();
                if entries.iter().any(|e| e.section == section && e.key == key) {
                    wrong(&format!("[{section}] {key} is set a second time"));
                    continue;
                }
                entries.push(Entry {
                    section,
                    key,
                    value: value.to_owned(),
                    line,
                });
                skipping = false;
            }
            Line::Bad => {
                wrong("neither a [section], a `key = value` nor a comment");
                (inside_value, skipping) = (true, true);
            }
        }
    }
    (entries, errors)
}

/// Removes a comment that follows a value after a blank (contract 4.1: people copy them from samples).
pub fn strip_comment(value: &str) -> &str {
    let starts = value
        .match_indices(['#', ';'])
        .map(|(at, _)| at)
        .find(|&at| value[..at].ends_with([' ', '\t']) || at == 0);
    value[..starts.unwrap_or(value.len())].trim_end()
}

/// `text` with one setting changed or added; all other lines stay as they are.
pub fn set(text: &str, section: &str, key: &str, value: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let setting = format!("{key} = {value}");
    let setting = setting.trim_end();
    let mut inside = false;
    let mut last = None; // last line of the section that is not blank
    let mut found: Option<std::ops::Range<usize>> = None;
    let mut inside_value = false;
    for (at, raw) in lines.iter().enumerate() {
        match classify(raw, inside_value) {
            Line::Section(name) => {
                inside = name == section;
                inside_value = false;
            }
            Line::Setting(name, _) => {
                inside_value = true;
                if inside && name.eq_ignore_ascii_case(key) {
                    found = Some(at..at + 1);
                }
            }
            Line::Continuation(_) => {
                if let Some(range) = found.as_mut().filter(|range| range.end == at) {
                    range.end = at + 1;
                }
            }
            Line::Blank | Line::Bad => inside_value = inside_value && !raw.trim().is_empty(),
        }
        if inside && !raw.trim().is_empty() {
            last = Some(at);
        }
    }
    match (found, last) {
        (Some(range), _) => {
            lines.splice(range, [setting]);
        }
        (None, Some(at)) => lines.insert(at + 1, setting),
        (None, None) => {
            let mut out = text.trim_end().to_owned();
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            let _ = writeln!(out, "[{section}]\n{setting}");
            return out;
        }
    }
    lines.join("\n") + "\n"
}

/// The same; a comment behind the old value stays. For settings whose values may have one.
pub fn set_beside_comment(text: &str, section: &str, key: &str, value: &str) -> String {
    let entries = parse(text).unwrap_or_default();
    let old = entries
        .into_iter()
        .find(|entry| entry.section == section && entry.key == key);
    let old = old.map(|entry| entry.value).unwrap_or_default();
    let comment = &old[strip_comment(&old).len()..];
    if comment.trim().is_empty() || comment.contains('\n') {
        return set(text, section, key, value);
    }
    let gap = if comment.starts_with([' ', '\t']) {
        ""
    } else {
        " "
    };
    set(text, section, key, &format!("{value}{gap}{comment}"))
}

/// `text` without one setting; all other lines stay as they are.
pub fn remove(text: &str, section: &str, key: &str) -> String {
    let (mut inside, mut inside_value, mut removing) = (false, false, false);
    let mut kept = String::with_capacity(text.len());
    for raw in text.lines() {
        match classify(raw, inside_value) {
            Line::Section(name) => {
                inside = name == section;
                (inside_value, removing) = (false, false);
            }
            Line::Setting(name, _) => {
                inside_value = true;
                removing = inside && name.eq_ignore_ascii_case(key);
            }
            Line::Continuation(_) => {}
            Line::Blank | Line::Bad => {
                inside_value = inside_value && !raw.trim().is_empty();
                removing = false;
            }
        }
        if !removing {
            kept.push_str(raw);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String, String)> {
        let entries = parse(text).unwrap();
        entries
            .into_iter()
            .map(|e| (e.section, e.key, e.value))
            .collect()
    }

    fn is(section: &str, key: &str, value: &str) -> (String, String, String) {
        (section.into(), key.into(), value.into())
    }

    #[test]
    fn keys_ignore_case_and_both_delimiters_work() {
        assert_eq!(
            values("[A]\nKey = 1\nother: x=y\n"),
            [is("A", "key", "1"), is("A", "other", "x=y")]
        );
    }

    #[test]
    fn an_indented_line_continues_a_value() {
        assert_eq!(
            values("[a]\nk = 1\n  2\n\nl = 3"),
            [is("a", "k", "1\n2"), is("a", "l", "3")]
        );
    }

    #[test]
    fn comments_are_stripped_only_after_a_blank() {
        assert_eq!(strip_comment("true  # note"), "true");
        assert_eq!(strip_comment("a;b"), "a;b");
        assert_eq!(strip_comment("a#b ; c"), "a#b");
        assert_eq!(strip_comment("# only"), "");
    }

    #[test]
    fn broken_line_is_reported_by_number_only() {
        let error = parse("[a]\nk = 1\nhunter2\n").unwrap_err();
        assert_eq!(error.line, 3);
        assert!(!error.message.contains("hunter2"));
        assert_eq!(parse("k = 1").unwrap_err().line, 1);
        assert_eq!(parse("[a]\nk = 1\nK = 2").unwrap_err().line, 3);
    }

    #[test]
    fn every_broken_line_is_found_and_the_others_are_read() {
        let (entries, errors) =
            scan("k = 1\n[a]\nk = 1\nhunter2\n  more\nK = 2\n  more\nl = 3\n  4\n[b\n");
        let read: Vec<_> = entries.iter().map(|e| (e.line, e.value.as_str())).collect();
        assert_eq!(read, [(3, "1"), (8, "3\n4")]);
        let lines: Vec<_> = errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [1, 4, 6, 10]);
    }

    #[test]
    fn comments_behind_values_stay() {
        let set = |text: &str, value: &str| set_beside_comment(text, "a", "k", value);
        assert_eq!(set("[a]\nk = 1  # why\n", "2%"), "[a]\nk = 2%  # why\n");
        assert_eq!(set("[a]\nk = # why\n", "2"), "[a]\nk = 2 # why\n");
        assert_eq!(set("[a]\nk = 1\n", "2"), "[a]\nk = 2\n");
        assert_eq!(set("[b]\n", "2"), "[b]\n\n[a]\nk = 2\n");
    }

    #[test]
    fn removing_leaves_all_other_lines() {
        let text = "# mine\n[a]\nk = 1\n  more\n# note\nl = 2\n[b]\nk = 3\n";
        let after = "# mine\n[a]\n# note\nl = 2\n[b]\nk = 3\n";
        assert_eq!(remove(text, "a", "K"), after);
        assert_eq!(remove(after, "a", "k"), after);
    }

    #[test]
    fn setting_keeps_comments_and_other_keys() {
        let before = "# mine\n[a]\nk = 1\n  more\n; note\n\n[b]\nx = y\n";
        let after = set(before, "a", "k", "2");
        assert_eq!(after, "# mine\n[a]\nk = 2\n; note\n\n[b]\nx = y\n");
        let after = set(&after, "a", "new", "3");
        assert_eq!(after, "# mine\n[a]\nk = 2\n; note\nnew = 3\n\n[b]\nx = y\n");
        assert_eq!(set("", "c", "z", "1"), "[c]\nz = 1\n");
        assert_eq!(set("[a]\nk = 1\n", "a", "k", ""), "[a]\nk =\n");
        assert_eq!(set("[b]\n", "b", "z", "1"), "[b]\nz = 1\n");
    }
}
