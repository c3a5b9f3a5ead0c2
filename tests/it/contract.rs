//! The contract as tables: every route of today's modules, every requirement of the consumers.
//! Who may call them is in `every_route`.

use std::{collections::BTreeSet, path::Path};

use crate::every_route::operations;
use codex_daemon::legacy;
use codex_tests::harness::TestResult;

/// Routes of contract 1.1 that are pages and forms, which no description describes, and the webhooks of a vendor.
const OTHERS: usize = 31;

/// Contract 1.3: what exists nowhere today.
const WANTED: [&str; 18] = [
    "POST /api/companies",
    "POST /api/companies/bulk",
    "PUT /api/companies/{account_number}",
    "GET /api/company/{account_number}",
    "GET /api/contacts",
    "POST /api/contacts",
    "GET /api/contacts/{id}",
    "PUT /api/contacts/{id}",
    "GET /api/contact/{id}",
    "GET /api/assets",
    "POST /api/assets",
    "GET /api/assets/{id}",
    "PUT /api/assets/{id}",
    "GET /api/asset/{id}",
    "POST /api/agents",
    "PUT /api/agents/{keycloak_id}",
    "DELETE /api/contacts/{id}",
    "DELETE /api/assets/{id}",
];

#[test]
fn every_route_of_the_contract_is_described() {
    assert_eq!(legacy::ROUTES.len() + OTHERS, 94);
    let described = operations();
    let described: BTreeSet<&str> = described.iter().map(|one| one.name.as_str()).collect();
    let wanted: BTreeSet<&str> = legacy::ROUTES.iter().chain(&WANTED).copied().collect();
    assert_eq!(wanted.len(), legacy::ROUTES.len() + WANTED.len());
    let missing: Vec<_> = wanted.difference(&described).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// A route without the names of its parameters.
fn nameless(route: &str) -> String {
    let parts = route.split('/').map(|part| match part.chars().next() {
        Some('<' | '{') => "*",
        _ => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Rows of the table in contract 1.1: each route with its kind.
fn rows(contract: &str) -> Vec<(String, &str)> {
    let section = contract
        .lines()
        .skip_while(|line| !line.starts_with("### 1.1 "));
    let section = section.skip(1).take_while(|line| !line.starts_with('#'));
    let rows = section.filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, number, route, kind, _] = cells[..] else {
            return None;
        };
        number.parse::<u32>().ok()?;
        Some((route.trim_matches('`').to_owned(), kind))
    });
    rows.collect()
}

#[test]
fn legacy_routes_match_the_contract() -> TestResult {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wire-contract.md");
    let contract = std::fs::read_to_string(file)?;
    let (routes, others): (Vec<_>, Vec<_>) = rows(&contract)
        .into_iter()
        .partition(|(_, kind)| *kind == "json");
    assert_eq!(others.len(), OTHERS, "{others:#?}");
    let stated: BTreeSet<String> = routes.iter().map(|(route, _)| nameless(route)).collect();
    let ours: BTreeSet<String> = legacy::ROUTES.iter().map(|route| nameless(route)).collect();
    assert_eq!(ours, stated);
    Ok(())
}
