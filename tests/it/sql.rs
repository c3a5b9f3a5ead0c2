//! Every SQL text stays within what PostgreSQL 12 understands; the tests run on a newer one.

use std::path::{Path, PathBuf};

use codex_tests::harness::TestResult;

/// Words of later versions and the version that brought them (PostgreSQL release notes 13 to 18).
const NEWER: &[(&str, u32)] = &[
    ("with ties", 13),
    ("gen_random_uuid", 13),
    ("multirange", 14),
    ("date_bin(", 14),
    ("bit_count(", 14),
    ("string_to_table", 14),
    ("trim_array", 14),
    ("unistr(", 14),
    ("group by distinct", 14),
    ("merge into", 15),
    ("nulls not distinct", 15),
    ("security_invoker", 15),
    ("regexp_count", 15),
    ("regexp_instr", 15),
    ("regexp_like", 15),
    ("regexp_substr", 15),
    ("any_value", 16),
    ("random_normal", 16),
    ("date_add(", 16),
    ("date_subtract(", 16),
    ("array_sample", 16),
    ("array_shuffle", 16),
    (" is json", 16),
    ("json_scalar", 17),
    ("json_serialize", 17),
    ("json_table", 17),
    ("json_exists", 17),
    ("json_query", 17),
    ("json_value", 17),
    ("merge_action", 17),
    ("to_bin(", 17),
    ("virtual)", 18),
    ("virtual,", 18),
    ("uuidv7", 18),
    ("uuidv4()", 18),
    ("without overlaps", 18),
    ("returning old.", 18),
    ("returning new.", 18),
    ("array_sort", 18),
    ("array_reverse", 18),
    ("casefold", 18),
];

/// Files below `folder` with this extension.
fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, extension, found)?;
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    Ok(())
}

/// The words of `NEWER` in a text, whatever its case and white space.
fn newer(sql: &str) -> Vec<(&'static str, u32)> {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let flat = words.join(" ").to_lowercase();
    let found = NEWER.iter().filter(|(word, _)| flat.contains(word));
    found.copied().collect()
}

/// A migration without its comments, which may name anything.
fn without_comments(sql: &str) -> String {
    let lines = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn migrations_and_statements_are_understood_by_postgresql_12() -> TestResult {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut migrations = Vec::new();
    files(&root.join("migrations/postgres"), "sql", &mut migrations)?;
    assert!(!migrations.is_empty());
    for path in migrations {
        let text = std::fs::read_to_string(&path)?;
        let found = newer(&without_comments(&text));
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }

    // All SQL is static text in the core: its sources hold every statement.
    let mut sources = Vec::new();
    files(&root.join("codex-core/src"), "rs", &mut sources)?;
    assert!(sources.len() > 20);
    for path in sources {
        let text = std::fs::read_to_string(&path)?;
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let found = newer(&code.collect::<Vec<_>>().join("\n"));
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
    Ok(())
}

#[test]
fn newer_syntax_is_found_except_in_comments() {
    assert_eq!(
        newer("create unique index a on b (c)\n  NULLS  not\n distinct"),
        [("nulls not distinct", 15)]
    );
    assert!(newer(&without_comments("select 1 -- no merge into here")).is_empty());
    assert!(
        newer("create index a on b (c) include (d) where e is null; generated always as identity")
            .is_empty()
    );
}
