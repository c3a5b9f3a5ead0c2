//! Who may call what: each operation as each role, on a record of one's own and on a foreign one.

use std::collections::{BTreeMap, BTreeSet};

use codex_tests::{on_each_engine, on_sqlite};
use reqwest::Method;
use serde_json::Value;

use super::{
    Operation, operations, same_names, samples,
    world::{OTHER, OWN, Owner, ROLES, World},
};

/// Who may call. A client may read what is its own wherever `Any` may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Everybody, without a token too; these while the daemon listens on loopback, or with a secret.
    Public,
    Any,
    /// People, of whatever level.
    People,
    Staff,
    Technicians,
    Billing,
    Admins,
}
use Who::{Admins, Any, Billing, People, Public, Staff, Technicians};

impl Who {
    fn has(self, role: &str) -> bool {
        match self {
            Public => true,
            Any => role != "nobody",
            People => !["nobody", "service"].contains(&role),
            Staff => !["nobody", "client"].contains(&role),
            Technicians => ["admin", "technician", "service"].contains(&role),
            Billing => ["admin", "billing", "service"].contains(&role),
            Admins => ["admin", "service"].contains(&role),
        }
    }
}

/// Each operation, who may call it, and what answers them when it is called so that nothing is done.
const TABLE: &[(&str, Who, u16)] = &[
    ("GET /api/agents", Admins, 200),
    ("POST /api/agents", Admins, 202),
    ("POST /api/agents/sync", Admins, 200),
    ("GET /api/agents/{keycloak_id}", Admins, 200),
    ("PUT /api/agents/{keycloak_id}", Admins, 202),
    ("GET /api/agents/{keycloak_id}/companies", Admins, 200),
    ("PUT /api/agents/{keycloak_id}/companies", Admins, 202),
    ("GET /api/agents/{keycloak_id}/settings", Admins, 200),
    ("PUT /api/agents/{keycloak_id}/settings", Admins, 202),
    ("GET /api/asset/{id}", Any, 200),
    ("GET /api/assets", Any, 200),
    ("GET /api/assets/facets", Any, 200),
    ("GET /api/companies/facets", Any, 200),
    ("GET /api/contacts/facets", Any, 200),
    ("GET /api/tickets/facets", Any, 200),
    ("POST /api/assets", Technicians, 202),
    ("POST /api/assets/bulk", Technicians, 202),
    ("GET /api/assets/{id}", Any, 200),
    ("PUT /api/assets/{id}", Technicians, 202),
    ("DELETE /api/assets/{id}", Technicians, 202),
    ("GET /api/assets/{id}/audit", Any, 200),
    ("GET /api/billing-plans", Staff, 200),
    ("POST /api/billing-plans", Billing, 202),
    ("POST /api/billing-plans/import", Billing, 202),
    ("GET /api/billing-plans/{id}", Staff, 200),
    ("PUT /api/billing-plans/{id}", Billing, 202),
    ("DELETE /api/billing-plans/{id}", Billing, 202),
    (
        "GET /api/billing-plans/{plan_name}/{term_length}",
        Staff,
        200,
    ),
    ("GET /api/companies", Any, 200),
    ("POST /api/companies", Technicians, 202),
    ("GET /api/companies/bulk", Any, 200),
    ("POST /api/companies/bulk", Technicians, 202),
    ("GET /api/companies/{account_number}", Any, 200),
    ("PUT /api/companies/{account_number}", Technicians, 202),
    ("DELETE /api/companies/{account_number}", Technicians, 202),
    ("GET /api/companies/{account_number}/assets", Any, 200),
    ("GET /api/companies/{account_number}/billable", Staff, 200),
    ("GET /api/companies/{account_number}/contacts", Any, 200),
    ("GET /api/companies/{account_number}/locations", Any, 200),
    (
        "POST /api/companies/{account_number}/locations",
        Technicians,
        202,
    ),
    (
        "GET /api/companies/{account_number}/locations/{id}",
        Any,
        200,
    ),
    (
        "PUT /api/companies/{account_number}/locations/{id}",
        Technicians,
        202,
    ),
    (
        "DELETE /api/companies/{account_number}/locations/{id}",
        Technicians,
        202,
    ),
    ("GET /api/companies/{account_number}/overrides", Staff, 200),
    (
        "GET /api/companies/{account_number}/overrides/{key}",
        Staff,
        200,
    ),
    (
        "PUT /api/companies/{account_number}/overrides/{key}",
        Billing,
        202,
    ),
    (
        "DELETE /api/companies/{account_number}/overrides/{key}",
        Billing,
        202,
    ),
    ("GET /api/companies/{account_number}/plan", Staff, 200),
    ("POST /api/companies/{account_number}/renumber", Admins, 202),
    ("GET /api/companies/{account_number}/tickets", Any, 200),
    ("GET /api/companies/{account_number}/users", Any, 200),
    ("GET /api/company/{account_number}", Any, 200),
    ("GET /api/contact/{id}", Any, 200),
    ("GET /api/contacts", Any, 200),
    ("POST /api/contacts", Technicians, 202),
    ("POST /api/contacts/bulk", Technicians, 202),
    ("GET /api/contacts/{id}", Any, 200),
    ("PUT /api/contacts/{id}", Technicians, 202),
    ("DELETE /api/contacts/{id}", Technicians, 202),
    ("GET /api/datto/device/{device_id}", Any, 200),
    ("GET /api/datto/devices", Any, 200),
    ("GET /api/deleted/{kind}", Technicians, 200),
    ("POST /api/deleted/{kind}/{id}/restore", Technicians, 202),
    ("GET /api/export/{file}", Any, 200),
    ("GET /api/feature-options", Staff, 200),
    ("POST /api/feature-options", Billing, 202),
    ("GET /api/health", Public, 200),
    ("GET /api/my/settings", People, 200),
    ("PUT /api/my/settings", People, 202),
    ("GET /api/psa/agents", Staff, 200),
    ("GET /api/psa/config", Any, 200),
    ("GET /api/psa/tickets", Any, 200),
    ("GET /api/psa/tickets/active", Any, 200),
    ("GET /api/public/user/home-page", Any, 200),
    ("GET /api/public/user/theme", Any, 200),
    ("GET /api/rmm/device/{device_id}", Any, 200),
    ("GET /api/rmm/devices", Any, 200),
    ("GET /api/dashboard", Any, 200),
    ("GET /api/search", Any, 200),
    ("GET /api/tags", Staff, 200),
    ("POST /api/tags", Technicians, 202),
    ("GET /api/tags/{id}", Staff, 200),
    ("PUT /api/tags/{id}", Technicians, 202),
    ("DELETE /api/tags/{id}", Technicians, 202),
    ("POST /api/tags/{id}/add", Technicians, 202),
    ("POST /api/tags/{id}/remove", Technicians, 202),
    ("GET /api/ticket/{ticket_id}", Any, 200),
    ("POST /api/ticket/{ticket_id}/update", Technicians, 202),
    ("GET /api/tickets", Any, 200),
    ("GET /api/tickets/active", Any, 200),
    ("GET /api/billing-plans/{id}/claims", Staff, 200),
    ("GET /api/{resource}/{id}/claims", Staff, 200),
    ("GET /api/{resource}/{id}/claims/manual/{field}", Staff, 200),
    (
        "DELETE /api/{resource}/{id}/claims/manual/{field}",
        Technicians,
        202,
    ),
    ("GET /assets/api/search", People, 200),
    ("PUT /assets/{id}/update-contacts", Technicians, 202),
    ("GET /billing-plans/api/bulk-plans", Staff, 200),
    ("GET /billing-plans/api/feature-categories", Staff, 200),
    ("GET /billing-plans/api/feature-options", Staff, 200),
    ("GET /billing-plans/api/plans", Staff, 200),
    (
        "GET /billing-plans/api/plans/{plan_name}/{term_length}",
        Staff,
        200,
    ),
    ("GET /billing-plans/export", Staff, 200),
    ("GET /companies/api/search", People, 200),
    ("GET /companies/{account_number}/locations", Any, 200),
    (
        "POST /companies/{account_number}/locations",
        Technicians,
        202,
    ),
    (
        "PUT /companies/{account_number}/locations/{id}",
        Technicians,
        202,
    ),
    (
        "DELETE /companies/{account_number}/locations/{id}",
        Technicians,
        202,
    ),
    ("PUT /companies/{account_number}/update", Technicians, 202),
    ("GET /contacts/api/search", People, 200),
    ("PUT /contacts/{id}/update", Technicians, 202),
    ("GET /", Public, 200),
    ("GET /health", Public, 200),
    ("GET /health/live", Public, 200),
    ("GET /health/ready", Public, 200),
    ("GET /metrics", Public, 200),
    ("GET /openapi.json", Public, 200),
    ("POST /sync/agents", Admins, 200),
    ("POST /sync/audits", Admins, 200),
    ("POST /sync/create-account-numbers", Admins, 200),
    ("POST /sync/datto", Admins, 200),
    ("POST /sync/freshservice", Admins, 200),
    ("GET /api/duplicates", Technicians, 200),
    ("GET /api/duplicates/{duplicate_id}", Technicians, 200),
    (
        "POST /api/duplicates/{duplicate_id}/merge",
        Technicians,
        202,
    ),
    (
        "POST /api/duplicates/{duplicate_id}/reject",
        Technicians,
        202,
    ),
    ("GET /sync/holds", Staff, 200),
    ("POST /sync/holds/{hold_id}/approve", Admins, 404),
    ("POST /sync/holds/{hold_id}/reject", Admins, 404),
    ("GET /sync/jobs", Staff, 200),
    ("GET /sync/jobs/{job_id}", Staff, 200),
    ("GET /api/views", Staff, 200),
    ("GET /api/views/{id}", Staff, 200),
    // The samples are shared ones.
    ("POST /api/views", Technicians, 202),
    ("PUT /api/views/{id}", Technicians, 202),
    ("DELETE /api/views/{id}", Technicians, 202),
    // It has ended; nothing is sent to a vendor.
    ("POST /sync/jobs/{job_id}/cancel", Technicians, 409),
    ("GET /sync/jobs/{job_id}/events", Staff, 200),
    ("GET /sync/last/{script}", Staff, 200),
    ("GET /sync/outbox", Staff, 200),
    ("POST /sync/outbox/{change_id}/cancel", Technicians, 404),
    ("POST /sync/outbox/{change_id}/retry", Technicians, 409),
    ("POST /sync/psa", Admins, 200),
    ("POST /sync/push-to-datto", Admins, 200),
    ("GET /sync/status/{job_id}", Staff, 200),
    ("POST /sync/{sync}", Admins, 200),
    ("POST /sync/tickets", Technicians, 200),
    ("POST /sync/tickets/full-history", Admins, 200),
    ("POST /webhooks/freshservice/ticket", Public, 200),
    ("GET /webhooks/health", Public, 200),
    ("POST /webhooks/superops/ticket", Public, 200),
    ("POST /webhooks/test", Public, 200),
];

#[test]
fn every_operation_is_in_the_table() {
    let all = operations();
    same_names(
        "roles",
        TABLE.iter().map(|row| row.0),
        all.iter().map(|one| one.name.as_str()),
    );
}

/// Whether its path names a record that belongs to a company.
fn names_a_record(operation: &Operation) -> bool {
    let places = [
        "{account_number}",
        "{ticket_id}",
        "{device_id}",
        "asset/{id}",
        "assets/{id}",
        "contact/{id}",
        "contacts/{id}",
    ];
    places.iter().any(|place| operation.path.contains(place))
}

/// What it starts goes on behind the answer.
fn starts_a_sync(operation: &Operation) -> bool {
    operation.method == Method::POST
        && (operation.path == "/api/agents/sync" || operation.path.starts_with("/sync/"))
        && (operation.parameters("path").is_empty() || operation.path == "/sync/{sync}")
}

async fn status(
    world: &World,
    operation: &Operation,
    role: &str,
    whose: Owner,
) -> anyhow::Result<(u16, String)> {
    let mut call = world.call(role, &operation.method, &operation.dry(world, whose));
    if operation.body.is_some() {
        call = call.json(&samples::of(&operation.name, world).body);
    }
    let answer = call.send().await?;
    let status = answer.status().as_u16();
    // A job that has ended is watched to its end at once.
    Ok((status, answer.text().await?))
}

/// The words of a text that tell whose it is: account numbers, host names and e-mail addresses.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || "@._-".contains(c)))
        .collect()
}

on_each_engine! {
    async fn roles_may_do_exactly_what_the_table_says(world: World) -> TestResult {
        let table: BTreeMap<&str, (Who, u16)> = TABLE.iter().map(|(name, who, done)| (*name, (*who, *done))).collect();
        let (mut wrong, before) = (Vec::new(), world.rows().await?);
        let operations = operations();
        for operation in &operations {
            let (who, done) = table[operation.name.as_str()];
            let foreign = names_a_record(operation).then_some(Owner::Foreign);
            for (role, whose) in ROLES.iter().flat_map(|role| [Some(Owner::Own), foreign].into_iter().flatten().map(move |whose| (*role, whose))) {
                if starts_a_sync(operation) && who.has(role) {
                    continue;
                }
                let wanted: &[u16] = match (who.has(role), role, whose) {
                    (false, "nobody", _) => &[401],
                    (true, "client", Owner::Foreign) => &[404],
                    // Nothing is said about a record that is not the caller's.
                    (false, "client", Owner::Foreign) => &[403, 404],
                    (false, ..) => &[403],
                    (true, ..) => &[done],
                };
                let (status, text) = status(&world, operation, role, whose).await?;
                if !wanted.contains(&status) {
                    wrong.push(format!("{} as {role} of {whose:?}: {status}, not {wanted:?}: {text:.200}", operation.name));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(world.rows().await?, before, "calls that were refused or only dry runs have changed something");
        for operation in operations.iter().filter(|one| starts_a_sync(one)) {
            let (who, done) = table[operation.name.as_str()];
            for role in ROLES.into_iter().filter(|role| who.has(role)) {
                let (status, text) = status(&world, operation, role, Owner::Own).await?;
                assert_eq!(status, done, "{} as {role}: {text}", operation.name);
            }
        }
        Ok(())
    }

    /// Kinds of record that share a path differ in who may have them.
    async fn access_depends_on_the_record_kind(world: World) -> TestResult {
        let table = [
            ("/api/deleted/{}", [("agent", Admins), ("billing_plan", Billing), ("feature_option", Billing), ("override", Billing),
                ("company", Technicians), ("asset", Technicians), ("location", Technicians), ("tag", Technicians), ("view", Admins)].as_slice()),
            ("/api/export/{}.csv", &[("companies", Any), ("contacts", Any), ("assets", Any), ("locations", Any), ("tickets", Any),
                ("agents", Admins), ("psa-agents", Staff), ("billing-plans", Staff), ("feature-options", Staff), ("overrides", Staff)]),
        ];
        for (path, kinds) in table {
            for (kind, who) in kinds {
                for role in ROLES.into_iter().filter(|role| *role != "nobody") {
                    let path = path.replace("{}", kind);
                    let answer = world.call(role, &Method::GET, &path).send().await?;
                    assert_eq!(answer.status() == 200, who.has(role), "{path} as {role}: {}", answer.status());
                }
            }
        }
        let exports = table[1].1.iter().map(|(kind, _)| *kind);
        same_names("exports", exports, codex_core::EXPORTS.into_iter());
        // Whoever corrects companies does not yet agree prices with them.
        let agreed = serde_json::json!({"feature_overrides": {"per_user_cost": 1}});
        for (role, status) in [("technician", 403), ("billing", 403), ("admin", 200), ("service", 200)] {
            let answer = world.call(role, &Method::PUT, &format!("/companies/{OWN}/update")).json(&agreed).send().await?;
            assert_eq!(answer.status(), status, "{role}");
        }
        Ok(())
    }

    async fn clients_read_and_count_only_their_own_records(world: World) -> TestResult {
        let app = &world.app;
        let all = async |path: &str| app.get(path)?.send().await?.text().await.map_err(anyhow::Error::from);
        let own = async |path: &str| -> anyhow::Result<Value> {
            Ok(world.call("client", &Method::GET, path).send().await?.error_for_status()?.json().await?)
        };
        let parts = ["contacts", "assets", "locations", "tickets"];
        let mut counts = BTreeMap::from([("companies", 1)]);
        for part in parts {
            let list = app.json(&format!("/api/companies/{OWN}/{part}")).await?;
            counts.insert(part, list.as_array().unwrap().len());
        }
        assert!(counts.values().all(|count| *count > 0), "{counts:?}");

        // What names others: none of it may be in anything that a client can read.
        let mut others = BTreeSet::new();
        let mine: Vec<String> = { let mut mine = vec![OWN.to_owned()];
            for part in parts { mine.push(all(&format!("/api/companies/{OWN}/{part}")).await?); } mine };
        let mine: BTreeSet<&str> = mine.iter().flat_map(|text| words(text)).collect();
        let everything: Value = app.json("/api/companies/bulk").await?;
        for one in everything.as_array().unwrap() {
            let names = [&one["company"]].into_iter().chain(one["assets"].as_array().unwrap()).chain(one["contacts"].as_array().unwrap());
            let names = names.flat_map(|record| ["account_number", "hostname", "email"].map(|key| record[key].as_str().unwrap_or_default()));
            others.extend(names.filter(|name| !name.is_empty() && !mine.contains(name)).map(str::to_owned));
        }
        assert!(others.len() > 10 && others.contains(OTHER), "{others:?}");
        let reads = operations().into_iter().filter(|one| one.method == Method::GET).map(|one| one.at(&world, Owner::Own));
        let more = ["/api/companies/bulk?include_tickets=true", "/api/contacts?q=e&limit=500", "/api/search?q=e&limit=100", "/api/search?q=1",
            "/contacts/api/search?show_inactive=1&per_page=500", "/assets/api/search?per_page=500", "/api/tickets?limit=10000", "/api/psa/tickets?limit=1000"];
        let exports = codex_core::EXPORTS.into_iter().flat_map(|kind| [format!("/api/export/{kind}.csv"), format!("/api/export/{kind}.ndjson")]);
        for path in reads.chain(more.map(str::to_owned)).chain(exports) {
            let text = world.call("client", &Method::GET, &path).send().await?.text().await?;
            let words = words(&text);
            let shown: Vec<_> = others.iter().filter(|other| words.contains(other.as_str())).collect();
            assert!(shown.is_empty(), "{path} shows a client {shown:?}");
        }

        for (path, at, part) in [
            ("/api/tickets", "/total", "tickets"), ("/api/rmm/devices", "/count", "assets"),
            ("/companies/api/search", "/pagination/total", "companies"), ("/assets/api/search", "/pagination/total", "assets"),
            ("/contacts/api/search?show_inactive=1", "/pagination/total", "contacts"),
        ] {
            assert_eq!(own(path).await?.pointer(at).unwrap(), counts[part], "{path}");
        }
        for part in ["contacts", "assets"] {
            let answer = world.call("client", &Method::GET, &format!("/api/{part}?total=true")).send().await?;
            assert_eq!(answer.headers()["x-total-count"], counts[part].to_string());
            let foreign = world.call("client", &Method::GET, &format!("/api/{part}?company_id={OTHER}")).send().await?;
            assert_eq!(foreign.status(), 404, "{part}");
        }
        for (part, count) in &counts {
            let lines = world.call("client", &Method::GET, &format!("/api/export/{part}.ndjson")).send().await?.text().await?;
            assert_eq!(lines.lines().count(), *count, "{part}");
        }
        for path in ["/api/tickets?company_id=", "/api/rmm/devices?company_id=", "/api/datto/devices?company_id="] {
            assert_eq!(own(&format!("{path}{OTHER}")).await?["count"], 0, "{path}");
        }
        assert_eq!(own(&format!("/api/psa/tickets?company={OTHER}")).await?, serde_json::json!([]));
        assert_eq!(own(&format!("/api/search?q={OTHER}")).await?["count"], 0);
        Ok(())
    }
}

on_sqlite! {
    async fn role_is_checked_before_the_body(world: World) -> TestResult {
        let table: BTreeMap<&str, Who> = TABLE.iter().map(|(name, who, _)| (*name, *who)).collect();
        let mut wrong = Vec::new();
        // Who may create a view depends on the audience in its body.
        let is_judged = |one: &&Operation| one.body.is_some() && one.name != "POST /api/views";
        for operation in operations().iter().filter(is_judged) {
            let who = table[operation.name.as_str()];
            for role in ROLES.into_iter().filter(|role| !who.has(role)) {
                let wanted = if role == "nobody" { 401 } else { 403 };
                for body in ["{", "7", "{\"no such key\": 1}"] {
                    let call = world.call(role, &operation.method, &operation.at(&world, Owner::Own));
                    let answer = call.header("content-type", "application/json").body(body).send().await?;
                    if answer.status() != wanted {
                        wrong.push(format!("{} as {role} with {body}: {}", operation.name, answer.status()));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        Ok(())
    }

    /// A bad body for an unknown record is 404.
    async fn existence_is_checked_before_the_body(world: World) -> TestResult {
        let mut wrong = Vec::new();
        let mut judged = 0;
        for operation in operations().iter().filter(|one| one.body.is_some() && one.path.contains('{')) {
            let missing = [("{account_number}", "999999"), ("{keycloak_id}", "nobody"), ("{ticket_id}", "999999999"),
                ("{duplicate_id}", "999999999"), ("{id}", "999999999"), ("{key}", "soc")];
            let mut path = operation.path.clone();
            for (name, value) in missing {
                path = path.replace(name, value);
            }
            assert!(!path.contains('{'), "{path}: nothing stands for its parameters");
            let mut paths = vec![path];
            if operation.path.contains("{account_number}") && operation.path.contains("{id}") {
                paths.push(paths[0].replace("999999/", &format!("{OWN}/")));
            }
            for path in paths {
                for (kind, body) in [("application/json", "{"), ("application/json", "7"), ("application/json", "[]"),
                    ("application/json", "{}"), ("application/json", "{\"no such key\": 1}"), ("text/plain", "{}")] {
                    for tag in [None, Some("\"x\"")] {
                        let mut call = world.call("admin", &operation.method, &path).header("content-type", kind).body(body);
                        if let Some(tag) = tag {
                            call = call.header("if-match", tag);
                        }
                        let answer = call.send().await?;
                        judged += 1;
                        if answer.status() != 404 {
                            wrong.push(format!("{} {path} with {kind} {body} {tag:?}: {}", operation.method, answer.status()));
                        }
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(judged > 150, "{judged}");
        // Of a record that is there the body is judged as ever.
        for (path, body, status) in [
            (format!("/api/companies/{OWN}"), "{", 400), (format!("/api/companies/{OWN}"), "[]", 400),
            ("/api/companies/999999".to_owned(), "{\"name\": \"x\"}", 404),
        ] {
            let call = world.call("admin", &Method::PUT, &path).header("content-type", "application/json").body(body);
            assert_eq!(call.send().await?.status(), status, "{path} {body}");
        }
        Ok(())
    }
}
