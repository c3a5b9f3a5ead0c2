//! The documents: the files and functions that they name exist, and so do the places that code cites.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use codex_tests::harness::TestResult;

/// The pages that name code.
const CODE_PAGES: [&str; 5] = [
    "add-field.md",
    "add-integration.md",
    "add-resource.md",
    "architecture.md",
    "development.md",
];

/// How many functions the walk-through names at least: fewer would mean that this test no longer recognizes them.
const FEWEST_FUNCTIONS: usize = 30;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// README.md and every page in `docs/`.
fn pages() -> io::Result<Vec<PathBuf>> {
    let mut pages = vec![root().join("README.md")];
    for entry in fs::read_dir(root().join("docs"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(pages)
}

/// The lines of a page that are not in a fenced block.
fn prose(page: &str) -> Vec<&str> {
    let mut fenced = false;
    let lines = page.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    });
    lines.collect()
}

/// The code spans of a line.
fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The targets of the links in a line; code spans are no links.
fn links(line: &str) -> Vec<String> {
    let text: String = line.split('`').step_by(2).collect();
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.to_owned()).collect()
}

/// Whether a source file has a function of this name.
fn has_function(source: &str, name: &str) -> bool {
    let start = format!("fn {name}");
    source.match_indices(&start).any(|(at, _)| {
        let next = source[at + start.len()..].chars().next();
        matches!(next, Some('(' | '<'))
    })
}

#[test]
fn relative_links_point_to_files() -> TestResult {
    let mut broken = Vec::new();
    for page in pages()? {
        let text = fs::read_to_string(&page)?;
        let folder = page.parent().context("a page is in a folder")?;
        for link in prose(&text).into_iter().flat_map(links) {
            let file = link.split('#').next().unwrap_or_default();
            let is_outside = link.contains("://") || link.starts_with("mailto:");
            if !file.is_empty() && !is_outside && !folder.join(file).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links: {broken:#?}");
    Ok(())
}

/// The Debian package has the pages in folders as they are here.
#[test]
fn links_out_of_docs_are_packaged() -> TestResult {
    let script = fs::read_to_string(root().join("packaging/deb"))?;
    let packaged: BTreeSet<&str> = script.split_whitespace().collect();
    let mut missing = BTreeSet::new();
    for page in pages()? {
        let is_in_docs = page.parent().is_some_and(|folder| folder.ends_with("docs"));
        let text = fs::read_to_string(&page)?;
        for link in prose(&text).into_iter().flat_map(links) {
            let file = link.split('#').next().unwrap_or_default();
            if is_in_docs && file.starts_with("../") && !packaged.contains(file) {
                missing.insert(format!("{}: {file}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "not in the package: {missing:#?}");
    Ok(())
}

/// docs/SUMMARY.md is the table of contents of the book.
#[test]
fn summary_lists_every_page() -> TestResult {
    let folder = root().join("docs");
    let summary = fs::read_to_string(folder.join("SUMMARY.md"))?;
    let listed: BTreeSet<String> = prose(&summary).into_iter().flat_map(links).collect();
    let mut pages = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.extension().is_some_and(|kind| kind == "md") && name != "SUMMARY.md" {
            pages.insert(name.into_owned());
        }
    }
    assert_eq!(listed, pages);
    Ok(())
}

/// A path in a code span is checked when it leads to a Rust file or begins with a folder of the workspace, unless it has
/// a placeholder. A function stands behind its file: `codex-core/src/records/resolve.rs::resolve`.
#[test]
fn documents_name_existing_files_and_functions() -> TestResult {
    let mut page = String::new();
    for name in CODE_PAGES {
        page.push_str(&fs::read_to_string(root().join("docs").join(name))?);
    }
    let (mut missing, mut functions) = (Vec::new(), 0);
    for span in prose(&page).into_iter().flat_map(code_spans) {
        // What follows a blank are arguments of a program.
        let span = span.split(' ').next().unwrap_or_default();
        if span.contains(['<', '*']) {
            continue;
        }
        let (path, function) = match span.split_once("::") {
            Some((path, function)) => (path, Some(function)),
            None => (span, None),
        };
        let Some((first, _)) = path.split_once('/') else {
            continue;
        };
        let is_rust = Path::new(path)
            .extension()
            .is_some_and(|ending| ending == "rs");
        let is_ours = !first.is_empty() && root().join(first).is_dir();
        if !is_rust && !is_ours {
            continue;
        }
        let file = root().join(path);
        let Some(function) = function else {
            if !file.exists() {
                missing.push(span);
            }
            continue;
        };
        functions += 1;
        if !fs::read_to_string(file).is_ok_and(|source| has_function(&source, function)) {
            missing.push(span);
        }
    }
    assert!(missing.is_empty(), "the documents name {missing:#?}");
    assert!(functions >= FEWEST_FUNCTIONS, "{functions}");
    Ok(())
}

/// What code cites by number, and the page that has the numbers.
const CITED: [(&str, &str); 4] = [
    ("contract", "docs/wire-contract.md"),
    ("consumers", "docs/consumers.md"),
    ("vendors", "docs/vendors.md"),
    ("trap", "docs/vendors.md"),
];
/// The section of traps.
const TRAPS: &str = "4";
/// Words that were numbered outside the repository.
const OUTSIDE: [&str; 8] = [
    "crates",
    "design",
    "faults",
    "language",
    "peers",
    "storage",
    "style",
    "upstreams",
];
/// How many citations there are at least: fewer would mean that this test no longer recognizes them.
const FEWEST_CITATIONS: usize = 200;

/// The places of a page: its numbered headings, and under them the rows that begin with a number, as `7 #20`.
fn places(page: &str) -> BTreeSet<String> {
    let (mut places, mut section) = (BTreeSet::new(), String::new());
    for line in prose(page) {
        if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim();
            let first = heading.split(' ').next().unwrap_or_default();
            section = place(first).unwrap_or_default();
            places.insert(section.clone());
        } else if let Some(row) = line.strip_prefix("| ") {
            let cell = row.split(" |").next().and_then(place);
            places.extend(cell.map(|cell| format!("{section} #{cell}")));
        }
    }
    places.remove("");
    places
}

/// A word as a number such as `7`, `1.2.B`, `61b` or `D-17`.
fn place(word: &str) -> Option<String> {
    let is_part = |part: &str| {
        let is_letter = matches!(part.as_bytes(), [b'A'..=b'Z']);
        let digits = part.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let has_digits = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
        is_letter || (has_digits && part.len() - digits.len() <= 1)
    };
    let is_number = word.starts_with(|c: char| c.is_ascii_digit());
    let is_labelled = word.split_once('-').is_some_and(|(letter, number)| {
        let has_letter = matches!(letter.as_bytes(), [b'A'..=b'Z']);
        has_letter && !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit())
    });
    (is_labelled || is_number && word.split('.').all(is_part)).then(|| word.to_owned())
}

/// The citations in a text, as word and place. Lists are several: `vendors 1.2, 1.4`, `traps 2 and 3`.
fn citations(text: &str) -> Vec<(String, String)> {
    let words = text.split_whitespace();
    let words: Vec<&str> = words
        .filter(|word| !["//", "///", "//!", "--", "*"].contains(word))
        .collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let word = word.rsplit(|c: char| !c.is_ascii_alphabetic()).next();
        let word = word.unwrap_or_default().to_ascii_lowercase();
        let name = if word == "traps" { "trap" } else { &word };
        if !OUTSIDE.contains(&name) && !CITED.iter().any(|(cited, _)| *cited == name) {
            continue;
        }
        let mut rest = words[at + 1..].iter().peekable();
        while let Some(next) = rest.next() {
            let number = next.trim_end_matches([',', '.', ';', ':', ')', '"', '`']);
            let Some(mut cited) = place(number) else {
                break;
            };
            let mut end = *next;
            if let Some(row) = rest
                .peek()
                .filter(|_| number == *next)
                .and_then(|row| row.strip_prefix('#'))
            {
                cited = format!(
                    "{cited} #{}",
                    row.split(|c: char| !c.is_ascii_alphanumeric())
                        .next()
                        .unwrap_or_default()
                );
                end = rest.next().copied().unwrap_or_default();
            }
            found.push((name.to_owned(), cited));
            let goes_on =
                end.ends_with(',') || rest.next_if(|word| ["and", "to"].contains(word)).is_some();
            if !goes_on {
                break;
            }
        }
    }
    found
}

/// Every file that may cite.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let ending = path
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            sources(&path, files)?;
        } else if ["html", "json", "mjs", "py", "rs", "sql", "toml", "ts"].contains(&ending) {
            files.push(path);
        }
    }
    Ok(())
}

#[test]
fn citations_lead_to_a_place_in_the_documents() -> TestResult {
    let mut known = BTreeMap::new();
    for (name, page) in CITED {
        let mut places = places(&fs::read_to_string(root().join(page))?);
        if name == "trap" {
            let rows = places
                .iter()
                .filter_map(|place| place.strip_prefix(&format!("{TRAPS} #")));
            places = rows.map(str::to_owned).collect();
        }
        known.insert(name, places);
    }
    let mut files = Vec::new();
    for folder in [
        "codex-client",
        "codex-core",
        "codex-daemon",
        "codex-py",
        "migrations",
        "openapi",
        "tests",
    ] {
        sources(&root().join(folder), &mut files)?;
    }
    let outside = ["shared", "/"].concat();
    let (mut wrong, mut count) = (BTreeSet::new(), 0);
    for file in files {
        let text = fs::read_to_string(&file)?;
        let is_page = |name: &&str| text.contains(&[*name, ".md"].concat());
        if text.contains(&format!("../{outside}")) || OUTSIDE.iter().any(is_page) {
            wrong.insert(format!("{}: a file outside the repository", file.display()));
        }
        for (name, cited) in citations(&text) {
            let is_wrong = known.get(name.as_str()).is_none_or(|places| {
                count += 1;
                !places.contains(&cited)
            });
            if is_wrong {
                wrong.insert(format!("{}: {name} {cited}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "citations that lead nowhere: {wrong:#?}");
    assert!(
        count >= FEWEST_CITATIONS,
        "only {count} citations were recognized"
    );
    Ok(())
}

#[test]
fn citations_and_places_are_recognized() {
    let text = "/// a (contract 1.2.B,\n/// 4.1). Traps 2 and 61b; (vendors 1.2, trap 5) consumers 0 #2).\n// contract of 7 days";
    let found = citations(text);
    let found: Vec<String> = found
        .iter()
        .map(|(name, place)| format!("{name} {place}"))
        .collect();
    let expected = [
        "contract 1.2.B",
        "contract 4.1",
        "trap 2",
        "trap 61b",
        "vendors 1.2",
        "trap 5",
        "consumers 0 #2",
    ];
    assert_eq!(found, expected);
    let page = "# Title\n## 7 Rows\n| # | b |\n| 20 | x |\n#### 1.2.B Name";
    assert_eq!(
        places(page).into_iter().collect::<Vec<_>>(),
        ["1.2.B", "7", "7 #20"]
    );
}

#[test]
fn spans_links_and_functions_are_recognized() {
    let line = "See [`a`](docs/a.md#top) and [b](https://b.test), not `[c](d)`.";
    assert_eq!(links(line), ["docs/a.md#top", "https://b.test"]);
    let spans: Vec<&str> = code_spans(line).collect();
    assert_eq!(spans, ["a", "[c](d)"]);
    assert_eq!(prose("a\n```json\nb\n```\nc"), ["a", "c"]);
    let source = "async fn page_with_parts<R>() {}\nfn take() {}";
    assert!(has_function(source, "take") && has_function(source, "page_with_parts"));
    assert!(!has_function(source, "page"));
}
