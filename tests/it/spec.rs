//! The checked-in description is the one that the daemon serves.

use std::{fmt::Write as _, path::Path};

use codex_tests::harness::{TestResult, database::setting};

fn is_current(file: &str, current: &str) -> TestResult {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if setting("UPDATE").is_some() {
        std::fs::write(&path, current)?;
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == current,
        "{file} is not current: run `UPDATE=1 cargo spec` and commit it"
    );
    Ok(())
}

#[test]
fn the_checked_in_descriptions_are_current() -> TestResult {
    let public = codex_daemon::routes::openapi().to_pretty_json()? + "\n";
    is_current("openapi/codex.json", &public)?;
    let internal = codex_daemon::routes::internal_openapi().to_pretty_json()? + "\n";
    is_current("openapi/internal.json", &internal)
}

const BEGIN: &str = "<!-- routes, made by `UPDATE=1 cargo spec` -->";
const END: &str = "<!-- end of routes -->";

#[test]
fn the_table_of_routes_in_the_readme_is_current() -> TestResult {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(path)?;
    let (before, rest) = readme
        .split_once(BEGIN)
        .expect("the README has a place for the table");
    let (_, after) = rest
        .split_once(END)
        .expect("the README has a place for the table");
    let spec = serde_json::to_value(codex_daemon::routes::openapi())?;
    let mut table = String::from("\n| Route | What it does |\n|---|---|\n");
    for (path, methods) in spec["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let summary = operation["summary"]
                .as_str()
                .unwrap_or_default()
                .trim_end_matches('.');
            writeln!(table, "| `{} {path}` | {summary} |", method.to_uppercase())?;
        }
    }
    is_current("README.md", &format!("{before}{BEGIN}{table}{END}{after}"))
}

#[test]
fn every_operation_says_what_it_does_and_how_it_fails() -> TestResult {
    let spec = serde_json::to_value(codex_daemon::routes::openapi())?;
    let paths = spec["paths"].as_object().unwrap();
    assert!(paths.len() >= 19, "{} paths", paths.len());
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
            assert!(operation["operationId"].is_string(), "{method} {path}");
            let public = operation["security"].is_array();
            let refuses = operation["responses"].get("401").is_some();
            assert!(public || refuses, "{method} {path} does not say 401");
        }
    }
    Ok(())
}
