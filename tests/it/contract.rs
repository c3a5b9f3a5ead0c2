//! The contract as tables: every route of today's modules, every requirement of the consumers.
//! Who may call them is in `every_route`.

use std::{collections::BTreeSet, path::Path};

use codex_daemon::routes::OF_TODAY;
use codex_tests::{
    harness::{app::TestApp, keys},
    on_each_engine,
};
use reqwest::Method;
use serde_json::Value;

use crate::every_route::operations;

/// Routes of contract 1.1 that are pages and forms, which are not here yet, and the webhooks of a vendor.
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
    assert_eq!(OF_TODAY.len() + OTHERS, 94);
    let described = operations();
    let described: BTreeSet<&str> = described.iter().map(|one| one.name.as_str()).collect();
    let wanted: BTreeSet<&str> = OF_TODAY.iter().chain(&WANTED).copied().collect();
    assert_eq!(wanted.len(), OF_TODAY.len() + WANTED.len());
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

/// Rows of contract 1.1: `| 4 | GET | `/api/companies` | ON | any | bare array |`
fn rows(contract: &str) -> Vec<(String, &str)> {
    let section = contract
        .lines()
        .skip_while(|line| !line.starts_with("### 1.1"));
    let section = section.skip(1).take_while(|line| !line.starts_with('#'));
    let rows = section.filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, number, method, path, _, _, purpose, _] = cells[..] else {
            return None;
        };
        number.parse::<u32>().ok()?;
        Some((format!("{method} {}", path.trim_matches('`')), purpose))
    });
    rows.collect()
}

#[test]
fn the_routes_are_those_of_the_contract() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/contract.md");
    let Ok(contract) = std::fs::read_to_string(&file) else {
        eprintln!("SKIPPED: {} is not there", file.display());
        return;
    };
    let is_other = |(route, purpose): &(String, &str)| {
        let pushed = route.starts_with("POST /webhooks/");
        pushed || ["HTML", "302"].iter().any(|word| purpose.contains(word))
    };
    let (others, routes): (Vec<_>, Vec<_>) = rows(&contract).into_iter().partition(is_other);
    assert_eq!(others.len(), OTHERS, "{others:#?}");
    let stated: BTreeSet<String> = routes.iter().map(|(route, _)| nameless(route)).collect();
    let ours: BTreeSet<String> = OF_TODAY.iter().map(|route| nameless(route)).collect();
    assert_eq!(ours, stated);
}

on_each_engine! {
    /// Consumers 0: what must not be got wrong, by its number there.
    async fn the_short_list_of_the_consumers(app: TestApp) -> TestResult {
        app.sync().await?;
        let companies = app.json("/api/companies?limit=1").await?;
        let companies = companies.as_array().expect("1: a bare array");
        assert_eq!(companies.len(), 3, "1: the whole list whatever the limit");
        let bulk = app.json("/api/companies/bulk?include_tickets=true").await?;
        for company in companies.iter().chain(bulk.as_array().unwrap().iter().map(|one| &one["company"])) {
            assert!(company["billing_plan"].is_string(), "2: {company}");
            assert!(company["domains"].is_string() || company["domains"].is_null(), "7: {company}");
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        for one in bulk.as_array().unwrap() {
            for asset in one["assets"].as_array().unwrap() {
                assert!(asset.get("billing_type").is_none(), "3: {asset}");
                assert!(asset["backup_data_bytes"].is_u64(), "6: {asset}");
                assert!(asset["backup_usage_tb"].is_string() || asset["backup_usage_tb"].is_null(), "7: {asset}");
            }
            for contact in one["contacts"].as_array().unwrap() {
                assert!(contact.get("email").is_some() && contact.get("full_name").is_none(), "4: {contact}");
            }
            for ticket in one["tickets"].as_array().unwrap() {
                let at = text(&ticket["last_updated_at"]).expect("5: a text");
                assert!(chrono::DateTime::parse_from_rfc3339(&at).is_ok(), "5: {at}");
                assert!(ticket["total_hours_spent"].is_f64(), "6: {ticket}");
                for list in ["conversations", "notes"] {
                    assert!(ticket[list].as_array().unwrap().iter().all(Value::is_object), "7: {ticket}");
                }
            }
        }
        for agent in app.json("/api/psa/agents").await?.as_array().unwrap() {
            assert!(agent["external_id"].is_i64(), "8: {agent}");
        }
        let board = app.json("/api/tickets/active").await?;
        for ticket in (1..=4).flat_map(|n| board[format!("section{n}")].as_array().unwrap()) {
            for key in ["priority_text", "sla_class", "agent_name"] {
                assert!(text(&ticket[key]).is_some_and(|text| !text.is_empty()), "9: {key} {ticket}");
            }
        }
        for part in ["", "/assets", "/contacts", "/users", "/locations", "/tickets", "/plan"] {
            let answer = app.get(&format!("/api/companies/999999{part}"))?.send().await?;
            assert_eq!(answer.status(), 404, "10: {part}");
            assert!(answer.json::<Value>().await?["error"].is_string(), "10, 11: {part}");
        }
        let framework = app.call(Method::GET, "/api/companies").send().await?;
        let framework: Value = framework.json().await?;
        assert!(framework["detail"].is_string() && framework.get("error").is_none(), "11: {framework}");
        let foreign = app.core.key.service("beacon", "helm")?;
        let answer = app.call(Method::GET, "/api/companies").bearer_auth(foreign).send().await?;
        assert_eq!(answer.status(), 200, "12");
        let answer = app.get("/api/companies")?.header("accept-encoding", "br, zstd, gzip").send().await?;
        assert!(answer.headers().get("set-cookie").is_none(), "13");
        let encoding = answer.headers().get("content-encoding").cloned();
        assert!(encoding.is_none_or(|encoding| encoding == "gzip"), "13");
        let started = std::time::Instant::now();
        assert_eq!(app.call(Method::GET, "/health").send().await?.status(), 200, "14");
        assert!(started.elapsed().as_secs() < 2, "14");
        let token = app.core.key.service("ledger", "codex")?;
        for _ in 0..1_200 {
            let answer = app.call(Method::GET, "/api/companies/100001").bearer_auth(&token).send().await?;
            assert_eq!(answer.status(), 200, "15");
        }
        assert_eq!(keys(&companies[0]).len(), 15);
        Ok(())
    }
}
