//! The documents: the files and functions that they name exist.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use codex_tests::harness::TestResult;

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

/// A path in a code span is checked when it leads to a Rust file or begins with a folder of the workspace, unless it has
/// a placeholder. A function stands behind its file: `codex-core/src/records/resolve.rs::resolve`.
#[test]
fn documents_name_existing_files_and_functions() -> TestResult {
    let mut page = fs::read_to_string(root().join("docs/architecture.md"))?;
    page.push_str(&fs::read_to_string(root().join("docs/development.md"))?);
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
