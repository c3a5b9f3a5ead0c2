//! The contract as tables: every route of today's modules, every role, every requirement of the consumers.

use std::collections::{BTreeMap, BTreeSet};

use codex_tests::{
    harness::{app::TestApp, keys},
    on_each_engine,
};
use reqwest::Method;
use serde_json::{Value, json};

/// Contract 1.1 without its pages and forms: method, path with values that exist, who may call.
const ROUTES: [(&str, &str, &str); 63] = [
    ("GET", "/health", "public"),
    ("GET", "/api/health", "public"),
    ("GET", "/api/companies", "any"),
    ("GET", "/api/companies/bulk", "any"),
    ("GET", "/api/companies/100001", "any"),
    ("GET", "/api/companies/100001/assets", "any"),
    ("GET", "/api/companies/100001/contacts", "any"),
    ("GET", "/api/companies/100001/users", "any"),
    ("GET", "/api/companies/100001/locations", "any"),
    ("GET", "/api/companies/100001/tickets", "any"),
    ("GET", "/api/tickets", "any"),
    ("GET", "/api/tickets/active", "any"),
    ("GET", "/api/ticket/{ticket}", "any"),
    ("POST", "/api/ticket/{ticket}/update", "tech"),
    ("GET", "/api/datto/devices", "any"),
    ("GET", "/api/datto/device/device-{asset}", "any"),
    ("GET", "/api/rmm/devices", "any"),
    ("GET", "/api/rmm/device/device-{asset}", "any"),
    ("GET", "/api/psa/agents", "staff"),
    ("GET", "/api/psa/config", "any"),
    ("GET", "/api/psa/tickets", "any"),
    ("GET", "/api/psa/tickets/active", "any"),
    ("GET", "/api/billing-plans", "staff"),
    ("POST", "/api/billing-plans", "billing"),
    ("GET", "/api/billing-plans/{plan}", "staff"),
    ("PUT", "/api/billing-plans/{plan}", "billing"),
    ("GET", "/api/billing-plans/Gold/1%20Year", "staff"),
    ("GET", "/api/feature-options", "staff"),
    ("POST", "/api/feature-options", "billing"),
    ("GET", "/api/agents", "admin"),
    ("GET", "/api/agents/{agent}", "admin"),
    ("PUT", "/api/agents/{agent}/settings", "admin"),
    ("POST", "/api/agents/sync", "admin"),
    ("GET", "/api/my/settings", "user"),
    ("PUT", "/api/my/settings", "user"),
    ("GET", "/api/public/user/theme", "any"),
    ("GET", "/api/public/user/home-page", "any"),
    ("POST", "/sync/freshservice", "admin"),
    ("POST", "/sync/psa", "admin"),
    ("POST", "/sync/datto", "admin"),
    ("POST", "/sync/tickets", "tech"),
    ("POST", "/sync/tickets/full-history", "admin"),
    ("POST", "/sync/create-account-numbers", "admin"),
    ("POST", "/sync/push-to-datto", "admin"),
    ("POST", "/sync/agents", "admin"),
    // Reading how a job stands is for all staff here; today billing may read the last one only.
    ("GET", "/sync/status/{job}", "staff"),
    ("GET", "/sync/last/psa", "staff"),
    ("GET", "/companies/api/search", "user"),
    ("GET", "/companies/100001/locations", "any"),
    ("POST", "/companies/100001/locations", "tech"),
    ("DELETE", "/companies/100001/locations/{location}", "tech"),
    ("PUT", "/companies/100001/update", "tech"),
    ("GET", "/contacts/api/search", "user"),
    ("PUT", "/contacts/{contact}/update", "tech"),
    ("GET", "/assets/api/search", "user"),
    ("PUT", "/assets/{asset}/update-contacts", "tech"),
    ("GET", "/billing-plans/export", "staff"),
    ("GET", "/billing-plans/api/bulk-plans", "staff"),
    ("GET", "/billing-plans/api/plans", "staff"),
    ("GET", "/billing-plans/api/plans/Gold/1%20Year", "staff"),
    ("GET", "/billing-plans/api/feature-options", "staff"),
    ("GET", "/billing-plans/api/feature-categories", "staff"),
    ("GET", "/webhooks/health", "public"),
];

/// Routes of contract 1.1 that are pages and forms, which are not here yet, and the routes whose gate is a
/// secret, which `webhooks` tests.
const OTHERS: usize = 31;

/// Contract 1.3: what exists nowhere today.
const WANTED: [(&str, &str, &str); 20] = [
    ("POST", "/api/companies", "tech"),
    ("POST", "/api/companies/bulk", "tech"),
    ("PUT", "/api/companies/100001", "tech"),
    ("GET", "/api/company/100001", "any"),
    ("GET", "/api/contacts", "any"),
    ("POST", "/api/contacts", "tech"),
    ("GET", "/api/contacts/{contact}", "any"),
    ("PUT", "/api/contacts/{contact}", "tech"),
    ("GET", "/api/contact/{contact}", "any"),
    ("GET", "/api/assets", "any"),
    ("POST", "/api/assets", "tech"),
    ("GET", "/api/assets/{asset}", "any"),
    ("PUT", "/api/assets/{asset}", "tech"),
    ("GET", "/api/asset/{asset}", "any"),
    ("POST", "/api/agents", "admin"),
    ("PUT", "/api/agents/{agent}", "admin"),
    (
        "GET",
        "/api/tickets?created_from=2020-01-01&updated_to=2030-01-01T00:00:00Z",
        "any",
    ),
    ("GET", "/api/companies?limit=1", "any"),
    ("DELETE", "/api/contacts/{contact}", "tech"),
    ("DELETE", "/api/assets/{asset}", "tech"),
];

const LEVELS: [&str; 5] = ["admin", "billing", "technician", "client", "service"];

/// Who may call, by the word of the tables.
fn may(level: &str, who: &str) -> bool {
    match who {
        "public" | "any" => true,
        "staff" => level != "client",
        "billing" => ["admin", "billing", "service"].contains(&level),
        "tech" => ["admin", "technician", "service"].contains(&level),
        "admin" => ["admin", "service"].contains(&level),
        "user" => level != "service",
        other => panic!("nobody is called {other}"),
    }
}

/// What stands for the names in a path.
async fn names(app: &TestApp) -> anyhow::Result<BTreeMap<&'static str, String>> {
    let first = async |path: &str, at: &str| -> anyhow::Result<String> {
        let found = app.json(path).await?;
        let value = found.pointer(at).cloned().unwrap_or_default();
        Ok(value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned))
    };
    let plan = json!({"plan_name": "Gold", "term_length": "1 Year"});
    app.call_as("admin", Method::POST, "/api/billing-plans")?
        .json(&plan)
        .send()
        .await?
        .error_for_status()?;
    Ok(BTreeMap::from([
        (
            "{ticket}",
            first("/api/companies/100001/tickets", "/0/ticket_id").await?,
        ),
        (
            "{asset}",
            first("/api/companies/100001/assets", "/0/id").await?,
        ),
        (
            "{contact}",
            first("/api/companies/100001/contacts", "/0/id").await?,
        ),
        (
            "{location}",
            first("/api/companies/100001/locations", "/0/id").await?,
        ),
        (
            "{agent}",
            first("/api/agents", "/agents/0/keycloak_id").await?,
        ),
        ("{plan}", first("/api/billing-plans", "/0/id").await?),
        ("{job}", first("/sync/last/psa", "/id").await?),
    ]))
}

fn filled(path: &str, names: &BTreeMap<&str, String>) -> String {
    names.iter().fold(path.to_owned(), |path, (name, value)| {
        path.replace(name, value)
    })
}

#[test]
fn the_table_of_routes_is_whole() {
    assert_eq!(ROUTES.len() + OTHERS, 94);
    let distinct: BTreeSet<_> = ROUTES
        .iter()
        .chain(&WANTED)
        .map(|(method, path, _)| (method, path))
        .collect();
    assert_eq!(distinct.len(), ROUTES.len() + WANTED.len());
}

on_each_engine! {
    async fn every_route_of_today_is_there_and_lets_in_who_may(app: TestApp) -> TestResult {
        app.pull(&["/sync/psa", "/sync/datto", "/sync/tickets", "/sync/agents"]).await?;
        let names = names(&app).await?;
        let email = app.json("/api/companies/100001/contacts").await?[0]["email"].as_str().unwrap().to_owned();
        for (method, path, who) in ROUTES.iter().chain(&WANTED) {
            let method: Method = method.parse()?;
            let path = filled(path, &names);
            assert!(!path.contains('{') && !path.contains("null"), "{path}: the world has no such record");
            // Nothing is changed: a dry run, or a body that states nothing.
            let nothing = if path.ends_with("/bulk") { json!([]) } else { json!({}) };
            let body = (method != Method::GET).then_some(nothing);
            let send = |token: Option<String>| {
                let mut call = app.call(method.clone(), &path);
                if let Some(token) = token {
                    call = call.bearer_auth(token);
                }
                if let Some(body) = &body {
                    call = call.json(body);
                }
                call.send()
            };
            let open = send(None).await?.status();
            assert_eq!(open == 401, *who != "public", "{method} {path} without a token: {open}");
            if path.starts_with("/sync/") && method == Method::POST || path == "/api/agents/sync" {
                // Who may is not asked: it would start. Who may not is refused.
                for level in LEVELS.iter().filter(|level| !may(level, who)) {
                    let token = app.core.key.user(level, "x@msp.example")?;
                    assert_eq!(send(Some(token)).await?.status(), 403, "{method} {path} as {level}");
                }
                continue;
            }
            if method == Method::DELETE {
                let token = app.core.key.user("billing", "x@msp.example")?;
                assert_eq!(send(Some(token)).await?.status(), 403, "{method} {path}");
                continue;
            }
            for level in LEVELS {
                let token = match level {
                    "service" => app.core.key.service("ledger", "codex")?,
                    "client" => app.core.key.user(level, &email)?,
                    _ => app.core.key.user(level, &format!("{level}@msp.example"))?,
                };
                let answer = send(Some(token)).await?;
                let status = answer.status().as_u16();
                let text = answer.text().await?;
                if may(level, who) {
                    let fine = [200, 201, 204, 400, 404, 422].contains(&status);
                    let found = status != 404 || path.contains("/my/settings") || level == "client";
                    assert!(fine && found, "{method} {path} as {level}: {status} {text}");
                    if method == Method::GET && !path.contains("/my/settings") {
                        assert_eq!(status, 200, "{path} as {level}: {text}");
                    }
                } else {
                    assert!([403, 404].contains(&status), "{method} {path} as {level}: {status} {text}");
                }
            }
        }
        Ok(())
    }

    /// Every route of the description, every level, own and foreign records.
    async fn the_table_of_roles_has_no_holes(app: TestApp) -> TestResult {
        app.pull(&["/sync/psa", "/sync/datto", "/sync/tickets", "/sync/agents"]).await?;
        let own = names(&app).await?;
        let email = app.json("/api/companies/100001/contacts").await?[0]["email"].as_str().unwrap().to_owned();
        let client = app.core.key.user("client", &email)?;
        let spec = serde_json::to_value(codex_daemon::routes::openapi())?;
        let internal = serde_json::to_value(codex_daemon::routes::internal_openapi())?;
        let foreign = {
            let first = async |path: &str, at: &str| -> anyhow::Result<String> {
                Ok(app.json(path).await?.pointer(at).cloned().unwrap_or_default().to_string())
            };
            BTreeMap::from([
                ("{ticket_id}", first("/api/companies/100002/tickets", "/0/ticket_id").await?),
                ("asset", first("/api/companies/100002/assets", "/0/id").await?),
                ("contact", first("/api/companies/100002/contacts", "/0/id").await?),
            ])
        };
        let mut asked = 0;
        for (path, item) in spec["paths"].as_object().unwrap().iter().chain(internal["paths"].as_object().unwrap()) {
            for (method, operation) in item.as_object().unwrap() {
                let method: Method = method.to_uppercase().parse()?;
                if operation["security"].is_array() {
                    continue;
                }
                // A foreign record, or one that is not there: both are nothing to a client.
                let record = if path.contains("asset") { &foreign["asset"] } else { &foreign["contact"] };
                let at = path
                    .replace("{account_number}", "100002")
                    .replace("{ticket_id}", &foreign["{ticket_id}"])
                    .replace("{device_id}", &format!("device-{}", foreign["asset"]))
                    .replace("{id}", record)
                    .replace("{keycloak_id}", &own["{agent}"])
                    .replace("{key}", "soc").replace("{kind}", "contact").replace("{script}", "psa")
                    .replace("{job_id}", &own["{job}"]).replace("{hold_id}", "1").replace("{change_id}", "1")
                    .replace("{plan_name}", "Gold").replace("{term_length}", "1 Year");
                let at = at.replace("{file}", "companies.ndjson");
                assert!(!at.contains('{'), "{path}: nothing stands for its parameter");
                let with_query = match path.as_str() {
                    "/api/search" => format!("{at}?q=a"),
                    _ => at.clone(),
                };
                let mut call = app.call(method.clone(), &with_query).bearer_auth(&client);
                if method != Method::GET {
                    call = call.json(&json!({}));
                }
                let answer = call.send().await?;
                let status = answer.status().as_u16();
                let text = answer.text().await?;
                asked += 1;
                let names_a_company = path.contains("{account_number}") || path.contains("{ticket_id}")
                    || path.contains("{device_id}") || path.contains("{id}");
                let own_settings = path == "/api/my/settings";
                if method == Method::GET && !names_a_company {
                    assert!([200, 403, 404].contains(&status), "{method} {path}: {status} {text}");
                    assert!(!text.contains("\"100002\"") && !text.contains("\"100003\""), "{path} shows others: {text}");
                } else if !own_settings {
                    assert!([400, 403, 404, 422].contains(&status), "{method} {path} for a client: {status} {text}");
                }
            }
        }
        assert!(asked > 90, "{asked} operations");
        Ok(())
    }

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
