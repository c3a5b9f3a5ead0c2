//! Companies through the API.

use codex_client::{Client, CompanyIn, TokenSource};
use codex_tests::{harness::app::TestApp, on_each_engine};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

const PATH: &str = "/api/companies/100001";

on_each_engine! {
    async fn a_put_corrects_what_it_states_and_no_sync_takes_it_back(app: TestApp) -> TestResult {
        app.sync().await?;
        let before = app.json(PATH).await?;
        let edit = json!({"billing_plan": "Gold", "address": null, "domains": "[\"a.test\"]"});
        let put = app.call_as("technician", Method::PUT, PATH)?.json(&edit).send().await?;
        assert_eq!(put.status(), 200);
        let mut wanted = before;
        wanted["billing_plan"] = json!("Gold");
        wanted["domains"] = json!("[\"a.test\"]");
        assert_eq!(put.json::<Value>().await?, wanted);
        app.world.lock().departments[1]["custom_fields"]["plan_selected"] = json!("Theirs");
        app.sync().await?;
        assert_eq!(app.json(PATH).await?, wanted);
        let logged: i64 = app
            .codex
            .db()
            .query("select count(*) from change_log where actor = 'kc-technician@msp.example' and request_id is not null")
            .scalar()
            .await?
            .unwrap();
        assert_eq!(logged, 1);
        Ok(())
    }

    async fn a_put_that_cannot_be_taken_says_why_and_changes_nothing(app: TestApp) -> TestResult {
        app.sync().await?;
        let before = app.json(PATH).await?;
        for (body, says) in [
            (json!({"colour": "red"}), "colour: "),
            (json!({"name": "New", "account_number": "1"}), "account_number: "),
            (json!({"name": "New", "address": 5}), "address: "),
            (json!({}), "body: "),
        ] {
            let put = app.call_as("admin", Method::PUT, PATH)?.json(&body).send().await?;
            assert_eq!(put.status(), 400, "{body}");
            let error = put.json::<Value>().await?["error"].as_str().unwrap_or_default().to_owned();
            assert!(error.starts_with(says), "{error}");
        }
        for (kind, body, status) in [
            ("application/json", "{\"name\": ", 400),
            ("application/json", "[1]", 422),
            ("text/plain", "{}", 415),
        ] {
            let put = app.call_as("admin", Method::PUT, PATH)?.header(CONTENT_TYPE, kind).body(body);
            let answer = put.send().await?;
            assert_eq!(answer.status(), status, "{kind} {body}");
            assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
        }
        let unknown = app.call_as("admin", Method::PUT, "/api/companies/999999")?;
        assert_eq!(unknown.json(&json!({"name": "New"})).send().await?.status(), 404);
        for (level, status) in [("billing", 403), ("client", 404)] {
            let put = app.call_as(level, Method::PUT, PATH)?.json(&json!({"name": "New"}));
            assert_eq!(put.send().await?.status(), status, "{level}");
        }
        assert_eq!(app.json(PATH).await?, before);
        Ok(())
    }

    async fn the_client_corrects_a_company(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = Client::new(&app.url(), TokenSource::core(app.core.url(), "ledger")?)?;
        let edit = CompanyIn { phone_system: Some(Some("Teams".into())), ..CompanyIn::default() };
        let company = client.companies().update("100001", &edit).await?;
        assert_eq!(company.phone_system.as_deref(), Some("Teams"));
        let bad = CompanyIn { compliance_level: Some(Some("secret".into())), ..CompanyIn::default() };
        let error = client.companies().update("100001", &bad).await.unwrap_err();
        assert_eq!(error.status(), Some(400));
        assert!(error.to_string().contains("compliance_level"), "{error}");
        Ok(())
    }
}
