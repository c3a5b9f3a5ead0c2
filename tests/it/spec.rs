//! The checked-in description is the one that the daemon serves.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use codex_tests::{
    breaking,
    harness::{
        TestResult,
        app::TestApp,
        database::{self, setting},
    },
};
use reqwest::Method;
use serde_json::{Value, json};

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
    let public = codex_daemon::openapi::public().to_pretty_json()? + "\n";
    is_current("openapi/codex.json", &public)?;
    let internal = codex_daemon::openapi::internal().to_pretty_json()? + "\n";
    is_current("openapi/internal.json", &internal)
}

/// `CODEX_TEST_OLD_API=old.json cargo spec` names what breaks callers of an older description.
#[test]
fn callers_of_an_older_description_are_not_broken() -> TestResult {
    let Some(file) = setting("CODEX_TEST_OLD_API") else {
        return Ok(());
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let old: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    assert!(
        old["paths"].is_object(),
        "{} is no OpenAPI description",
        path.display()
    );
    let new = serde_json::to_value(codex_daemon::openapi::public())?;
    let found = breaking::changes(&old, &new);
    assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

/// The page with the table of routes.
const API: &str = "docs/api.md";
const BEGIN: &str = "<!-- routes, made by `UPDATE=1 cargo spec` -->";
const END: &str = "<!-- end of routes -->";

#[test]
fn the_table_of_routes_in_the_documents_is_current() -> TestResult {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(API);
    let page = std::fs::read_to_string(path)?;
    let (before, rest) = page
        .split_once(BEGIN)
        .expect("the page has a place for the table");
    let (_, after) = rest
        .split_once(END)
        .expect("the page has a place for the table");
    let spec = serde_json::to_value(codex_daemon::openapi::public())?;
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
    is_current(API, &format!("{before}{BEGIN}{table}{END}{after}"))
}

#[test]
fn every_operation_describes_itself_and_its_errors() -> TestResult {
    let spec = serde_json::to_value(codex_daemon::openapi::public())?;
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

/// The fields of a schema without an example, and examples that are no values of theirs.
fn faults(spec: &Value, schema: &Value, place: &str, seen: &[&str]) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        if seen.contains(&name) {
            return Vec::new();
        }
        let seen = [seen, &[name]].concat();
        return faults(spec, &spec["components"]["schemas"][name], name, &seen);
    }
    if let Some(example) = schema.get("example") {
        let mut whole = schema.clone();
        // Copied only where it is needed: it is large.
        if schema.to_string().contains("$ref") {
            whole["components"] = spec["components"].clone();
        }
        let fits = jsonschema::is_valid(&whole, example);
        return if fits {
            Vec::new()
        } else {
            vec![format!("{place}: {example}")]
        };
    }
    if let Some(fields) = schema["properties"].as_object() {
        let each = fields.iter();
        return each
            .flat_map(|(name, field)| faults(spec, field, &format!("{place}.{name}"), seen))
            .collect();
    }
    for kind in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[kind].as_array() {
            let each = parts.iter();
            return each
                .flat_map(|part| faults(spec, part, place, seen))
                .collect();
        }
    }
    if schema["items"].is_object() {
        return faults(spec, &schema["items"], place, seen);
    }
    let speaks_for_itself =
        schema["enum"].is_array() || schema["type"] == "null" || has_type(schema, "boolean");
    if speaks_for_itself {
        Vec::new()
    } else {
        vec![place.to_owned()]
    }
}

fn has_type(schema: &Value, kind: &str) -> bool {
    let types = &schema["type"];
    types == kind
        || types
            .as_array()
            .is_some_and(|types| types.contains(&kind.into()))
}

#[test]
fn every_body_answer_and_parameter_has_an_example() -> TestResult {
    for api in [
        codex_daemon::openapi::public(),
        codex_daemon::openapi::internal(),
    ] {
        let spec = serde_json::to_value(api)?;
        let mut found = BTreeSet::new();
        for operation in spec["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|item| item.as_object().unwrap().values())
        {
            let id = operation["operationId"].as_str().unwrap();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter.get("example").is_none() {
                    let place = format!("{id}.{}", parameter["name"].as_str().unwrap());
                    found.extend(faults(&spec, &parameter["schema"], &place, &[]));
                }
            }
            let answers = operation["responses"].as_object().unwrap().iter();
            let answers = answers.filter(|(status, _)| status.starts_with('2'));
            let contents = answers
                .map(|(_, answer)| answer)
                .chain([&operation["requestBody"]]);
            for content in contents.filter_map(|one| one["content"].get("application/json")) {
                // The description itself has no schema.
                if content.get("example").is_none() && id != "get_openapi" {
                    found.extend(faults(&spec, &content["schema"], id, &[]));
                }
            }
        }
        assert!(found.is_empty(), "{found:#?}");
    }
    Ok(())
}

/// A body whose description is written out, in the part of the API that schemathesis does not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn page_location_body_matches_its_description() -> TestResult {
    let app = TestApp::on(database::sqlite()?).await?;
    app.run_syncs(&["/sync/psa"]).await?;
    let path = "/companies/100001/locations";
    let spec = serde_json::to_value(codex_daemon::openapi::internal())?;
    let add = &spec["paths"]["/companies/{account_number}/locations"]["post"];
    let mut schema = add["requestBody"]["content"]["application/json"]["schema"].clone();
    schema["components"] = spec["components"].clone();
    for (body, is_taken) in [
        (json!({"name": "Office", "address": "12 Mill Road"}), true),
        (
            json!({"name": "Works", "address": "1 Quay", "phone_number": "1"}),
            true,
        ),
        (
            json!({"name": "Yard", "address": "2 Quay", "phone_number": null}),
            true,
        ),
        (json!({"name": "Office"}), false),
        (json!({"address": "12 Mill Road"}), false),
        (json!({"name": " ", "address": "12 Mill Road"}), false),
        (json!({"name": "Office", "address": ""}), false),
        (json!({"name": "Office", "address": null}), false),
        (json!({"name": 7, "address": "12 Mill Road"}), false),
        (
            json!({"name": "Office", "address": "12 Mill Road", "phone_number": 7}),
            false,
        ),
    ] {
        assert_eq!(
            jsonschema::is_valid(&schema, &body),
            is_taken,
            "described: {body}"
        );
        let call = app.call_as("admin", Method::POST, path)?;
        let answer = call.json(&body).send().await?;
        assert_eq!(
            answer.status().is_success(),
            is_taken,
            "{body}: {}",
            answer.text().await?
        );
    }
    Ok(())
}

#[test]
fn headers_are_described_where_they_are_sent() -> TestResult {
    let spec = serde_json::to_value(codex_daemon::openapi::public())?;
    let headers = |path: &str, method: &str, status: &str| {
        let answer = &spec["paths"][path][method]["responses"][status];
        codex_tests::harness::keys(&answer["headers"]).join(" ")
    };
    assert_eq!(
        headers("/api/contacts", "get", "200"),
        "etag link x-total-count"
    );
    assert_eq!(
        headers("/api/companies/{account_number}", "get", "200"),
        "etag preference-applied x-ignored-parameters"
    );
    assert_eq!(
        headers("/api/companies/bulk", "get", "200"),
        "preference-applied x-ignored-parameters"
    );
    assert_eq!(headers("/api/contacts", "post", "201"), "location");
    assert_eq!(headers("/api/contacts", "get", "429"), "retry-after");
    assert_eq!(headers("/api/contacts", "post", "409"), "retry-after");
    Ok(())
}
