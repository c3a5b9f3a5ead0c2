//! What Brainhair, Ledger, Beacon and the other modules rely on: one test for each point.

use std::time::{Duration, Instant};

use chrono::DateTime;
use codex_tests::{
    harness::{app::TestApp, keys},
    on_each_engine, on_sqlite,
};
use reqwest::Method;
use serde_json::{Value, json};

/// All companies with everything that they have.
async fn bulk(app: &TestApp) -> anyhow::Result<Vec<Value>> {
    app.sync().await?;
    let bulk = app.json("/api/companies/bulk?include_tickets=true").await?;
    let all = bulk.as_array().cloned().unwrap_or_default();
    anyhow::ensure!(all.len() == 3, "{} companies", all.len());
    Ok(all)
}

/// What the companies of a bulk answer have of a kind; there is something.
fn each(all: &[Value], kind: &str) -> Vec<Value> {
    let lists = all.iter().filter_map(|one| one[kind].as_array());
    let each: Vec<Value> = lists.flatten().cloned().collect();
    assert!(!each.is_empty(), "no {kind}");
    each
}

fn board(board: &Value) -> Vec<Value> {
    let sections = (1..=4).filter_map(|n| board[format!("section{n}")].as_array());
    let tickets: Vec<Value> = sections.flatten().cloned().collect();
    assert!(!tickets.is_empty(), "nothing on the board");
    tickets
}

fn is_text_or_null(value: &Value) -> bool {
    value.is_string() || value.is_null()
}

on_each_engine! {
    async fn companies_are_a_complete_bare_list(app: TestApp) -> TestResult {
        app.sync().await?;
        for path in ["/api/companies", "/api/companies?limit=1", "/api/companies?limit=x&unknown=1"] {
            let companies = app.json(path).await?;
            assert_eq!(companies.as_array().expect("a bare list").len(), 3, "{path}");
            assert_eq!(keys(&companies[0]).len(), 15, "{path}");
        }
        Ok(())
    }

    async fn company_plan_is_a_text(app: TestApp) -> TestResult {
        let all = bulk(&app).await?;
        app.call_as("admin", Method::POST, "/api/companies")?.json(&json!({"name": "Without a plan"})).send().await?.error_for_status()?;
        let list = app.json("/api/companies").await?;
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), 4);
        for company in list.iter().chain(all.iter().map(|one| &one["company"])) {
            assert!(company["billing_plan"].is_string(), "{company}");
        }
        Ok(())
    }

    async fn assets_have_no_billing_type(app: TestApp) -> TestResult {
        for asset in each(&bulk(&app).await?, "assets") {
            assert!(asset.get("billing_type").is_none(), "{asset}");
        }
        Ok(())
    }

    async fn every_contact_has_an_email(app: TestApp) -> TestResult {
        for contact in each(&bulk(&app).await?, "contacts") {
            assert!(contact["email"].is_string() && contact.get("full_name").is_none(), "{contact}");
        }
        Ok(())
    }

    async fn last_change_of_a_ticket_has_an_offset(app: TestApp) -> TestResult {
        let mut tickets = each(&bulk(&app).await?, "tickets");
        // Today's own update is what writes a time without one.
        let id = &tickets[0]["ticket_id"];
        let update = app.call_as("admin", Method::POST, &format!("/api/ticket/{id}/update"))?;
        update.json(&json!({"status": "open", "notes": "Called"})).send().await?.error_for_status()?;
        tickets.push(app.json(&format!("/api/ticket/{id}")).await?);
        tickets.extend(app.json("/api/tickets").await?["tickets"].as_array().unwrap().clone());
        for ticket in tickets {
            let at = ticket["last_updated_at"].as_str().expect("a text");
            assert!(DateTime::parse_from_rfc3339(at).is_ok(), "{ticket}");
        }
        Ok(())
    }

    /// KnowledgeTree keeps a file of each ticket under this id.
    async fn ids_of_company_tickets_stay_answered(app: TestApp) -> TestResult {
        let ids = |all: &[Value]| -> Vec<Value> {
            let mut ids: Vec<Value> = each(all, "tickets").iter().map(|ticket| ticket["ticket_id"].clone()).collect();
            ids.sort_by_key(Value::as_i64);
            ids
        };
        let before = ids(&bulk(&app).await?);
        let numbers: Vec<Value> = app.world.lock().tickets.iter().map(|ticket| ticket.body["id"].clone()).collect();
        for id in &before {
            assert!(numbers.contains(id), "{id} is no number of the PSA");
            let ticket = app.json(&format!("/api/ticket/{id}")).await?;
            assert_eq!(ticket["ticket_number"], json!(id.to_string()), "{ticket}");
        }
        assert_eq!(ids(&bulk(&app).await?), before, "another sync changes no id");
        Ok(())
    }

    async fn hours_prices_and_volumes_are_numbers(app: TestApp) -> TestResult {
        let all = bulk(&app).await?;
        for ticket in each(&all, "tickets") {
            assert!(ticket["total_hours_spent"].is_f64(), "{ticket}");
        }
        for asset in each(&all, "assets") {
            assert!(asset["backup_data_bytes"].is_u64(), "{asset}");
        }
        let plan = json!({"plan_name": "Gold", "term_length": "1 Year", "per_user_cost": 9});
        app.call_as("admin", Method::POST, "/api/billing-plans")?.json(&plan).send().await?.error_for_status()?;
        let plans = app.json("/billing-plans/api/plans").await?;
        let plan = plans["plans"].as_array().or(plans.as_array()).unwrap()[0].as_object().unwrap().clone();
        let prices = plan.iter().filter(|(key, _)| key.ends_with("_cost") || key.starts_with("backup_"));
        let prices: Vec<_> = prices.collect();
        assert!(prices.len() > 8 && prices.iter().all(|(_, price)| price.is_number()), "{prices:?}");
        Ok(())
    }

    async fn conversations_are_objects_and_other_lists_texts(app: TestApp) -> TestResult {
        let all = bulk(&app).await?;
        for ticket in each(&all, "tickets") {
            for list in ["conversations", "notes"] {
                assert!(ticket[list].as_array().unwrap().iter().all(Value::is_object), "{ticket}");
            }
        }
        assert!(all.iter().all(|one| is_text_or_null(&one["company"]["domains"])));
        assert!(each(&all, "contacts").iter().all(|contact| is_text_or_null(&contact["secondary_emails"])));
        assert!(each(&all, "assets").iter().all(|asset| is_text_or_null(&asset["backup_usage_tb"])));
        Ok(())
    }

    async fn psa_ids_are_integers(app: TestApp) -> TestResult {
        app.sync().await?;
        for agent in app.json("/api/psa/agents").await?.as_array().unwrap() {
            assert!(agent["external_id"].is_i64(), "{agent}");
        }
        let tickets = board(&app.json("/api/tickets/active").await?);
        for key in ["responder_id", "group_id"] {
            assert!(tickets.iter().all(|ticket| ticket[key].is_i64() || ticket[key].is_null()), "{key}");
            assert!(tickets.iter().any(|ticket| ticket[key].is_i64()), "{key}");
        }
        Ok(())
    }

    async fn board_texts_are_never_empty(app: TestApp) -> TestResult {
        app.sync().await?;
        for ticket in board(&app.json("/api/tickets/active").await?) {
            for key in ["priority_text", "sla_class", "agent_name"] {
                assert!(ticket[key].as_str().is_some_and(|text| !text.is_empty()), "{key} {ticket}");
            }
            let texts = ticket.as_object().unwrap().iter().filter(|(key, _)| key.ends_with("_str") || key.ends_with("_text"));
            assert!(texts.clone().count() > 5 && texts.clone().all(|(_, text)| is_text_or_null(text)), "{ticket}");
        }
        Ok(())
    }

    async fn unknown_records_are_404_with_a_body(app: TestApp) -> TestResult {
        let company = ["", "/assets", "/contacts", "/users", "/locations", "/tickets", "/plan"];
        for path in company.map(|part| format!("/api/companies/999999{part}")) {
            let answer = app.get(&path)?.send().await?;
            assert_eq!(answer.status(), 404, "{path}");
            assert!(answer.json::<Value>().await?["error"].is_string(), "{path}");
        }
        let plan = app.get("/billing-plans/api/plans/None/1%20Year")?.send().await?;
        assert_eq!(plan.status(), 404);
        assert!(plan.json::<Value>().await?.is_object());
        Ok(())
    }
}

on_sqlite! {
    async fn route_errors_say_error_and_others_detail(app: TestApp) -> TestResult {
        let own: Value = app.get("/api/agents/nobody")?.send().await?.json().await?;
        assert_eq!(own["error"], "Agent not found");
        let unknown = app.get("/api/nothing")?.send().await?.json().await?;
        let nobody = app.call(Method::GET, "/api/companies").send().await?.json().await?;
        let forbidden = app.get_as("client", "/api/agents")?.send().await?.json().await?;
        for framework in [unknown, nobody, forbidden] {
            let framework: Value = framework;
            assert!(framework["detail"].is_string() && framework.get("error").is_none(), "{framework}");
        }
        Ok(())
    }

    async fn any_core_token_is_accepted(app: TestApp) -> TestResult {
        let mut bare = codex_tests::sim::core::service_claims("beacon", "helm");
        bare.as_object_mut().unwrap().remove("target_service");
        let mut person = codex_tests::sim::core::user_claims("technician", "a@msp.example");
        person.as_object_mut().unwrap().remove("jti");
        let other = codex_tests::sim::core::service_claims("beacon", "helm");
        for claims in [bare, person, other] {
            let token = app.core.key.sign(&claims)?;
            let answer = app.call(Method::GET, "/api/companies").bearer_auth(token).send().await?;
            assert_eq!(answer.status(), 200, "{claims}");
        }
        Ok(())
    }

    async fn answers_do_not_disturb_the_proxy(app: TestApp) -> TestResult {
        for path in ["/api/companies", "/health", "/docs/", "/apidocs", "/openapi.json", "/api/nothing"] {
            let call = app.get(path)?.header("accept-encoding", "br, zstd, gzip");
            let answer = call.header("x-forwarded-prefix", "/codex").send().await?;
            let headers = answer.headers();
            assert!(headers.get("set-cookie").is_none(), "{path}");
            assert!(headers.get("content-security-policy").is_none(), "{path}");
            assert!(headers.get("content-encoding").is_none_or(|encoding| encoding == "gzip"), "{path}");
            if let Some(location) = headers.get("location") {
                assert!(location.to_str()?.starts_with("/codex/"), "{path}: {location:?}");
            }
        }
        Ok(())
    }

    async fn health_is_quick_and_needs_no_token(app: TestApp) -> TestResult {
        let begun = Instant::now();
        assert_eq!(app.call(Method::GET, "/health").send().await?.status(), 200);
        assert!(begun.elapsed() < Duration::from_secs(2));
        Ok(())
    }

    async fn normal_use_meets_no_limit(app: TestApp) -> TestResult {
        app.sync().await?;
        let token = app.core.key.service("ledger", "codex")?;
        for _ in 0..1_200 {
            let answer = app.call(Method::GET, "/api/companies/100001").bearer_auth(&token).send().await?;
            assert_eq!(answer.status(), 200);
        }
        Ok(())
    }

    async fn plan_is_found_at_once(app: TestApp) -> TestResult {
        let plan = json!({"plan_name": "Gold", "term_length": "1 Year"});
        app.call_as("admin", Method::POST, "/api/billing-plans")?.json(&plan).send().await?.error_for_status()?;
        let token = app.core.key.service("ledger", "codex")?;
        let begun = Instant::now();
        // As Ledger does, each on a connection of its own.
        for _ in 0..100 {
            let path = format!("{}/billing-plans/api/plans/Gold/1%20Year", app.url());
            let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
            let answer = http.get(path).bearer_auth(&token).send().await?;
            assert_eq!(answer.status(), 200);
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        Ok(())
    }
}
