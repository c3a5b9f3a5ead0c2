//! The checked-in description is the one that the daemon serves.

use std::path::Path;

use codex_tests::harness::{TestResult, database::setting};

#[test]
fn the_checked_in_description_is_current() -> TestResult {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/codex.json");
    let current = codex_daemon::routes::openapi().to_pretty_json()? + "\n";
    if setting("UPDATE").is_some() {
        std::fs::write(&path, &current)?;
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == current,
        "openapi/codex.json is not current: run `UPDATE=1 cargo spec` and commit it"
    );
    Ok(())
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
