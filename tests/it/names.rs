//! Names in the code of the workspace: those of tests are short, and replaced ones do not return.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use codex_tests::harness::TestResult;

/// The most characters of a test's name. What does not fit belongs in its doc comment.
const MAX_LENGTH: usize = 60;

/// Identifiers that were replaced, and by what.
const REPLACED: &[(&str, &str)] = &[
    ("Door", "RecordWriter"),
    ("Hand", "manual"),
    ("set_by_hand", "is_manual"),
    ("restate", "merge_claim"),
    ("let_go", "release"),
    ("Attached", "WrittenPage"),
    ("adopt", "match_manual_records"),
    ("adopt_by", "match_manual_records"),
    ("found_by", "search_text"),
    ("Unchanged", "RecordVersion"),
    ("Asker", "CallerCache"),
    ("Gate", "RateLimitBlock"),
    ("Pace", "Pacer"),
    ("Nap", "Backoff"),
    ("Desk", "TicketClient"),
    ("twins", "duplicates"),
    ("graveyard", "deleted_devices"),
    ("Mark", "CompanyRef"),
    ("Whose", "CompanyRef or Owner"),
    ("Place", "a word that says which place"),
    ("Way", "a word that says which way"),
    ("Peer", "a word that says which peer"),
    ("Turns", "DownloadLimits"),
    ("patience", "wait_timeout"),
    ("take_turn", "advisory_lock"),
    ("push_row_lock", "for_update"),
    ("plan_anew", "unprepared"),
    ("OF_TODAY", "legacy::ROUTES"),
    ("OlderList", "legacy::List"),
    ("rivals", "concurrency"),
    ("Least", "BaselineServer"),
    ("Bench", "TestBench"),
    ("told", "reported"),
    ("told_apart", "classify_forbidden"),
    ("hand_over", "move_dependents"),
    ("entrance", "decode"),
    ("Owed", "PendingDetails"),
    ("WriteTrouble", "WriteFailure"),
    ("TroubleView", "RecordIssueView"),
    ("webhook_gate", "webhook_guard"),
    ("HeardOut", "EventReceivedOut"),
];

/// A Rust file of the workspace, without its comments and literals.
struct SourceFile {
    path: String,
    code: String,
}

fn sources() -> anyhow::Result<Vec<SourceFile>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = Vec::new();
    rust_files(&root, &mut paths)?;
    let mut sources = Vec::new();
    for path in paths {
        sources.push(SourceFile {
            path: path.strip_prefix(&root)?.display().to_string(),
            code: code(&fs::read_to_string(&path)?),
        });
    }
    Ok(sources)
}

/// Finds Rust files, except in builds and hidden folders.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                rust_files(&path, found)?;
            }
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// A text with blanks in place of comments and literals, so that the rest keeps its line and column.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = literal(rest);
        let length = skipped.unwrap_or(first.len_utf8());
        let part = rest[..length].chars();
        if skipped.is_some() {
            code.extend(part.map(|c| if c == '\n' { c } else { ' ' }));
        } else {
            code.extend(part);
        }
        rest = &rest[length..];
    }
    code
}

/// The length in bytes of the comment or literal that a text begins with.
fn literal(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return text.find("*/").map(|at| at + 2);
    }
    if let Some(raw) = text.strip_prefix('r') {
        let marks = raw.len() - raw.trim_start_matches('#').len();
        let content = raw[marks..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(marks));
        let start = text.len() - content.len();
        return content.find(&end).map(|at| start + at + end.len());
    }
    if text.starts_with('"') {
        return quoted(text, '"');
    }
    let inner = text.strip_prefix('\'')?;
    let first = inner.chars().next()?;
    if first == '\\' {
        return quoted(text, '\'');
    }
    // Otherwise it is a lifetime.
    let after = &inner[first.len_utf8()..];
    after.starts_with('\'').then(|| 2 + first.len_utf8())
}

/// The length in bytes of the quoted text at the beginning, with both quotes.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == quote {
            return Some(at + 1);
        } else {
            escaped = c == '\\';
        }
    }
    None
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty())
}

/// The names of the test functions in code, with their lines: those with a test attribute, and those directly
/// in a macro such as `on_each_engine!`.
fn test_names(code: &str) -> Vec<(usize, &str)> {
    let (mut names, mut is_test, mut in_macro) = (Vec::new(), false, None);
    for (number, line) in (1..).zip(code.lines()) {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        if text.starts_with("on_") && text.ends_with("! {") {
            in_macro = Some(indent + 4);
        } else if text.starts_with('}') && in_macro == Some(indent + 4) {
            in_macro = None;
        }
        is_test |= text.starts_with("#[test]") || text.starts_with("#[tokio::test");
        let text = text.strip_prefix("pub ").unwrap_or(text);
        let text = text.strip_prefix("async ").unwrap_or(text);
        if let Some(name) = text.strip_prefix("fn ").and_then(|rest| words(rest).next()) {
            if is_test || in_macro == Some(indent) {
                names.push((number, name));
            }
            is_test = false;
        }
    }
    names
}

#[test]
fn names_of_tests_have_at_most_60_characters() -> TestResult {
    let (mut count, mut long) = (0, Vec::new());
    for source in sources()? {
        for (number, name) in test_names(&source.code) {
            count += 1;
            if name.len() > MAX_LENGTH {
                long.push(format!("{}:{number}: {name}", source.path));
            }
        }
    }
    assert!(count > 800, "only {count} tests were found");
    assert!(long.is_empty(), "{long:#?}");
    Ok(())
}

#[test]
fn replaced_names_are_not_used() -> TestResult {
    let mut found = Vec::new();
    for source in sources()? {
        let is_sync = source.path.starts_with("codex-core/src/sync/");
        for (number, line) in (1..).zip(source.code.lines()) {
            let words: Vec<&str> = words(line).collect();
            for (old, new) in REPLACED {
                if words.contains(old) {
                    found.push(format!("{}:{number}: `{old}` is now {new}", source.path));
                }
            }
            // Elsewhere the word is free.
            let declares = |two: &[&str]| ["enum", "struct", "type"].contains(&two[0]);
            if is_sync
                && words
                    .windows(2)
                    .any(|two| declares(two) && two[1] == "Part")
            {
                found.push(format!("{}:{number}: `Part` is now SyncKind", source.path));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

#[test]
fn comments_and_literals_are_not_code() {
    let text = "let a = \"Door // \\\" Door\"; // Door\nlet b = r#\"Door \" Door\"#; /* Door\nDoor */ \
                let c = ['\"', '\\'', 'x']; let d: &'a str = b\"Door\";";
    let code = code(text);
    let found: Vec<&str> = code.lines().flat_map(words).collect();
    let expected = [
        "let", "a", "let", "b", "let", "c", "let", "d", "a", "str", "b",
    ];
    assert_eq!(found, expected);
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn test_functions_are_found() {
    let code = "on_each_engine! {\n    async fn one(app: TestApp) -> TestResult {\n        fn no() {}\n    }\n}\n\
                fn no() {}\n#[tokio::test(\n    flavor = \"x\"\n)]\nasync fn two() {}\nmod tests {\n    #[test]\n    \
                fn three() {}\n}\n";
    let found = test_names(code);
    let names: Vec<&str> = found.iter().map(|(_, name)| *name).collect();
    assert_eq!(names, ["one", "two", "three"]);
    assert_eq!(found[1].0, 10);
}
