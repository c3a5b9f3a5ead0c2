//! Paths, parameters and methods that nothing fits: reported in a described answer, never a failure of ours.

use std::collections::BTreeSet;

use codex_daemon::legacy;
use codex_tests::{on_each_engine, on_sqlite};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Operation, operations, samples,
    world::{Owner, World},
};

/// Segments of a path that name nothing, as they are sent.
const SEGMENTS: [&str; 14] = [
    "%00",
    "a%00b",
    "%01",
    "%FF",
    "%C0%80",
    "-1",
    "0",
    "99999999999999999999",
    "1.5",
    "x%2Fy",
    "%F0%9F%A6%80",
    "%25",
    "%20",
    "..%2F..",
];
/// Values of parameters that few can read.
const VALUES: [&str; 12] = [
    "",
    "%00",
    "a%00b",
    "%FF",
    "-1",
    "0",
    "abc",
    "1.5",
    "99999999999999999999999",
    "9223372036854775807",
    "%F0%9F%A6%80",
    "%27%22%25_%5C",
];
/// Lists that are older than paging: their older parameters come as today's modules send them, the newer are strict
/// (contract 7).
const PAGED: [&str; 8] = [
    "/api/companies",
    "/api/companies/{account_number}/assets",
    "/api/companies/{account_number}/contacts",
    "/api/companies/{account_number}/users",
    "/api/companies/{account_number}/locations",
    "/api/agents",
    "/api/billing-plans",
    "/api/tickets",
];
/// Other lists that take parameters as they come, as today's modules send them (contract 1.0).
const LENIENT: [&str; 7] = [
    "/api/psa/tickets",
    "/api/rmm/devices",
    "/api/datto/devices",
    "/companies/api/search",
    "/contacts/api/search",
    "/assets/api/search",
    "/api/tickets/active",
];

async fn answered(
    world: &World,
    operation: &Operation,
    path: &str,
) -> anyhow::Result<(u16, String)> {
    let mut call = world.call("admin", &operation.method, path);
    if operation.body.is_some() {
        call = call.json(&samples::of(&operation.name, world).body);
    }
    let answer = call.send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

fn with_query(path: &str, query: &str) -> String {
    format!(
        "{path}{}{query}",
        if path.contains('?') { '&' } else { '?' }
    )
}

on_each_engine! {
    async fn paths_to_unknown_records_are_refused(world: World) -> TestResult {
        let (mut wrong, before) = (Vec::new(), world.rows().await?);
        let long = "9".repeat(5_000);
        for operation in operations() {
            for parameter in operation.parameters("path") {
                for segment in SEGMENTS.into_iter().chain([long.as_str()]) {
                    // What can be agreed with a company has any name of up to a hundred characters.
                    if parameter == "key" && segment.len() <= 100 && !segment.contains("%0") {
                        continue;
                    }
                    let template = operation.path.replace(&format!("{{{parameter}}}"), segment);
                    let path = world.path(&template, Owner::Own);
                    let (status, text) = answered(&world, &operation, &path).await?;
                    // Nothing is sent to a vendor, whatever it is.
                    let off = operation.path.ends_with("/retry") && status == 409;
                    if !off && ![400, 404, 422].contains(&status) {
                        wrong.push(format!("{} at {path:.120}: {status} {text:.300}", operation.name));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(world.rows().await?, before);
        Ok(())
    }

    async fn invalid_parameters_are_refused_or_ignored(world: World) -> TestResult {
        let (mut wrong, before) = (Vec::new(), world.rows().await?);
        for operation in operations() {
            let path = operation.dry(&world, Owner::Own);
            let parameters = operation.parameters("query").into_iter().chain(["unknown"]);
            for (n, parameter) in parameters.enumerate() {
                if parameter == "dry_run" {
                    continue;
                }
                // One engine compares for every list: one of them is asked for all, each comparison with a third of
                // the values.
                let is_comparison = parameter.contains("__");
                if is_comparison && operation.path != "/api/assets" {
                    continue;
                }
                let (first, step) = if is_comparison { (n % 3, 3) } else { (0, 1) };
                for value in VALUES.into_iter().skip(first).step_by(step) {
                    let refused = parameter == "unknown" && is_strict(&operation);
                    if operation.method != Method::GET && !operation.has_dry_run() && !refused {
                        continue;
                    }
                    let path = with_query(&path, &format!("{parameter}={value}"));
                    let (status, text) = answered(&world, &operation, &path).await?;
                    let lenient = operation.method == Method::GET
                        && is_lenient(&operation.path)
                        && !is_new(&operation.path, parameter);
                    let fine = match operation.method {
                        _ if refused => {
                            status == 400 && text.contains("unknown parameter `unknown`")
                        }
                        _ if lenient => status == if value.contains("%00") { 400 } else { 200 },
                        Method::GET => [200, 400, 404].contains(&status),
                        _ => [200, 202, 400, 404, 409].contains(&status),
                    };
                    if !fine {
                        wrong.push(format!("{} {path}: {status} {text:.300}", operation.name));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(world.rows().await?, before);
        Ok(())
    }
}

on_sqlite! {
    async fn unsupported_method_is_405_with_the_allowed_ones(world: World) -> TestResult {
        let operations = operations();
        let paths: BTreeSet<&str> = operations.iter().map(|one| one.path.as_str()).collect();
        for template in paths {
            let has: Vec<&Method> = operations.iter().filter(|one| one.path == template).map(|one| &one.method).collect();
            let path = world.path(template, Owner::Own);
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
                if has.contains(&&method) {
                    continue;
                }
                let answer = world.call("admin", &method, &path).send().await?;
                assert_eq!(answer.status(), 405, "{method} {path}");
                let allow = answer.headers()["allow"].to_str()?.to_owned();
                let allowed: Vec<&str> = allow.split(',').map(str::trim).collect();
                assert!(has.iter().all(|method| allowed.contains(&method.as_str())), "{path}: {allow}");
                assert!(!allowed.contains(&method.as_str()), "{method} {path}: {allow}");
                assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method} {path}");
            }
        }
        Ok(())
    }

    async fn invalid_page_parameters_are_refused_by_name(world: World) -> TestResult {
        let mut asked = BTreeSet::new();
        for operation in operations() {
            let path = operation.at(&world, Owner::Own);
            let parameters = operation.parameters("query");
            let mut bad = Vec::new();
            if parameters.contains(&"cursor") {
                bad.extend(["", "x", "%00", "-1", "eyJ9", "%F0%9F%A6%80"].map(|value| ("cursor", value)));
            }
            if parameters.contains(&"limit") && !is_lenient(&operation.path) {
                bad.extend(["", "-1", "0", "abc", "1.5", "100000", "99999999999999999999"].map(|value| ("limit", value)));
            }
            for (parameter, value) in bad {
                let (status, text) = answered(&world, &operation, &with_query(&path, &format!("{parameter}={value}"))).await?;
                let reported: Value = serde_json::from_str(&text)?;
                let said = reported["detail"].as_str().or(reported["error"].as_str()).unwrap_or_default();
                assert!(status == 400 && said.contains(parameter), "{path} {parameter}={value}: {status} {text}");
                asked.insert(operation.path.clone());
            }
        }
        assert!(asked.len() >= 6, "{asked:?}");
        Ok(())
    }

    async fn dry_run_is_true_or_false(world: World) -> TestResult {
        let before = world.rows().await?;
        for operation in operations() {
            if operation.method == Method::GET || operation.path.starts_with("/webhooks/") {
                continue;
            }
            let path = operation.at(&world, Owner::Own);
            for value in ["16822", "", "TRUE", "%00", "1", "yes"] {
                let (status, text) = answered(&world, &operation, &with_query(&path, &format!("dry_run={value}"))).await?;
                assert!(status == 400 && text.contains("dry_run"), "{} {value}: {status} {text}", operation.name);
            }
        }
        assert_eq!(world.rows().await?, before);
        Ok(())
    }
}

/// Whether an operation refuses unknown parameters: not where today's modules read, and not where nobody
/// is known by a token.
fn is_strict(operation: &Operation) -> bool {
    let open = operation.described["security"].as_array();
    let open = open.is_some_and(|needed| needed.contains(&json!({})));
    !open && !legacy::ROUTES.contains(&operation.name.as_str())
}

fn is_lenient(path: &str) -> bool {
    PAGED.contains(&path) || LENIENT.contains(&path)
}

/// Parameters of old lists that are new: nobody relies on leniency.
fn is_new(path: &str, parameter: &str) -> bool {
    let old = [
        "company_id",
        "limit",
        "offset",
        "priority",
        "status",
        "unknown",
    ];
    match path {
        _ if PAGED.contains(&path) => !old.contains(&parameter),
        _ => parameter == "cursor" || parameter.ends_with("_from") || parameter.ends_with("_to"),
    }
}
