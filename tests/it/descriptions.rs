//! The checked-in descriptions explain themselves: summaries, descriptions and times. Servers and tags: `standards`.

use std::{collections::BTreeSet, fs, path::Path};

use codex_tests::harness::TestResult;
use serde_json::Value;

/// The verbs that summaries begin with.
const VERBS: &[&str] = &[
    "Add", "Approve", "Assign", "Cancel", "Check", "Create", "Delete", "Download", "Export", "Get",
    "Import", "List", "Merge", "Push", "Reject", "Release", "Remove", "Renumber", "Report",
    "Restore", "Retry", "Search", "Set", "Start", "Sync", "Test", "Update", "Watch",
];
/// A summary has at most this many words.
const MOST_WORDS: usize = 10;
/// Members that end so hold a moment, unless they hold words for people.
const TIMES: [&str; 5] = ["_at", "_iso", "_at_str", "last_seen", "timestamp"];

fn descriptions() -> anyhow::Result<Vec<Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi");
    let read = |name: &str| -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&fs::read_to_string(
            folder.join(name),
        )?)?)
    };
    Ok(vec![read("codex.json")?, read("internal.json")?])
}

/// Every operation with its name, such as `GET /api/companies`.
fn operations(api: &Value) -> Vec<(String, &Value)> {
    let paths = api["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, one)| (format!("{} {path}", method.to_uppercase()), one))
    });
    operations.collect()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default().trim()
}

/// Why a summary is refused.
fn fault(summary: &str) -> Option<&'static str> {
    let mut words = summary.split_whitespace();
    if !words.next().is_some_and(|verb| VERBS.contains(&verb)) {
        return Some("begins with no known verb");
    }
    if words.count() >= MOST_WORDS {
        return Some("has more than ten words");
    }
    summary.ends_with('.').then_some("ends with a full stop")
}

#[test]
fn summaries_are_short_and_imperative() -> TestResult {
    let mut faults = BTreeSet::new();
    for api in descriptions()? {
        for (name, operation) in operations(&api) {
            let summary = text(operation, "summary");
            if let Some(fault) = fault(summary) {
                faults.insert(format!("{name}: `{summary}` {fault}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    Ok(())
}

#[test]
fn operations_and_parameters_are_described() -> TestResult {
    let mut missing = BTreeSet::new();
    for api in descriptions()? {
        for (name, operation) in operations(&api) {
            if text(operation, "description").is_empty() {
                missing.insert(name.clone());
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if text(parameter, "description").is_empty() {
                    missing.insert(format!("{name} {}", parameter["name"]));
                }
            }
        }
    }
    assert!(missing.is_empty(), "without a description: {missing:#?}");
    Ok(())
}

/// Calls `look` with every member of a schema: its place, its name and its schema.
fn members<'s>(schema: &'s Value, place: &str, look: &mut impl FnMut(&str, &str, &'s Value)) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        look(place, name, member);
        members(member, &format!("{place}.{name}"), look);
    }
    for part in parts(schema) {
        members(part, place, look);
    }
    members_of_items(schema, place, look);
}

fn members_of_items<'s>(
    schema: &'s Value,
    place: &str,
    look: &mut impl FnMut(&str, &str, &'s Value),
) {
    if schema["items"].is_object() {
        members(&schema["items"], place, look);
    }
}

fn parts(schema: &Value) -> impl Iterator<Item = &Value> {
    let kinds = ["allOf", "anyOf", "oneOf"].map(|kind| schema[kind].as_array());
    kinds.into_iter().flatten().flatten()
}

/// A member of another type that may be null has its description beside the reference.
fn is_described(member: &Value) -> bool {
    let own = !text(member, "description").is_empty();
    own || parts(member).any(|part| !text(part, "description").is_empty())
}

fn is_time(member: &Value) -> bool {
    member["format"] == "date-time" || parts(member).any(|part| part["format"] == "date-time")
}

fn each_member(api: &Value, look: &mut impl FnMut(&str, &str, &Value)) {
    let schemas = api["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        members(schema, name, look);
    }
}

#[test]
fn schemas_and_their_members_are_described() -> TestResult {
    let mut missing = BTreeSet::new();
    for api in descriptions()? {
        let schemas = api["components"]["schemas"].as_object();
        for (name, schema) in schemas.into_iter().flatten() {
            if text(schema, "description").is_empty() {
                missing.insert(name.clone());
            }
        }
        each_member(&api, &mut |place, name, member| {
            if !is_described(member) {
                missing.insert(format!("{place}.{name}"));
            }
        });
    }
    assert!(missing.is_empty(), "without a description: {missing:#?}");
    Ok(())
}

#[test]
fn times_have_the_format_date_time() -> TestResult {
    let mut wrong = BTreeSet::new();
    let mut found = 0;
    for api in descriptions()? {
        each_member(&api, &mut |place, name, member| {
            let has_format = is_time(member);
            found += usize::from(has_format);
            if TIMES.iter().any(|end| name.ends_with(end)) && !has_format {
                wrong.insert(format!("{place}.{name}"));
            }
        });
    }
    assert!(wrong.is_empty(), "without `format: date-time`: {wrong:#?}");
    assert!(found > 20, "only {found} times were recognized");
    Ok(())
}

/// Absent members keep their values, and null blanks them: a default of null would have clients send it.
#[test]
fn members_have_no_default_of_null() -> TestResult {
    let mut wrong = BTreeSet::new();
    for api in descriptions()? {
        each_member(&api, &mut |place, name, member| {
            if member.get("default").is_some_and(Value::is_null) {
                wrong.insert(format!("{place}.{name}"));
            }
        });
    }
    assert!(wrong.is_empty(), "with a default of null: {wrong:#?}");
    Ok(())
}

#[test]
fn faults_of_a_summary_are_recognized() {
    assert_eq!(fault("List companies"), None);
    assert_eq!(fault("The list"), Some("begins with no known verb"));
    assert_eq!(fault(""), Some("begins with no known verb"));
    assert_eq!(fault("Get it."), Some("ends with a full stop"));
    let long = "Get one two three four five six seven eight nine";
    assert_eq!(fault(long), None);
    assert_eq!(
        fault(&format!("{long} ten")),
        Some("has more than ten words")
    );
}
