//! Companies through the API.

use codex_client::{Client, CompanyIn, TokenSource};
use codex_tests::{harness::app::TestApp, on_each_engine};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

const PATH: &str = "/api/companies/100001";

on_each_engine! {
    async fn put_sets_stated_fields_that_syncs_keep(app: TestApp) -> TestResult {
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

    async fn invalid_put_is_explained_and_changes_nothing(app: TestApp) -> TestResult {
        app.sync().await?;
        let before = app.json(PATH).await?;
        for (status, body, says) in [
            (422, json!({"colour": "red"}), "colour: "),
            (422, json!({"name": "New", "account_number": "1"}), "account_number: "),
            (422, json!({"name": "New", "address": 5}), "address: "),
            (400, json!({}), "body: "),
        ] {
            let put = app.call_as("admin", Method::PUT, PATH)?.json(&body).send().await?;
            assert_eq!(put.status(), status, "{body}");
            let error = put.json::<Value>().await?["error"].as_str().unwrap_or_default().to_owned();
            assert!(error.starts_with(says), "{error}");
        }
        for (kind, body, status) in [
            ("application/json", "{\"name\": ", 400),
            ("application/json", "[1]", 400),
            ("text/plain", "{}", 415),
        ] {
            let put = app.call_as("admin", Method::PUT, PATH)?.header(CONTENT_TYPE, kind).body(body);
            let answer = put.send().await?;
            assert_eq!(answer.status(), status, "{kind} {body}");
            assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
        }
        let unknown = app.call_as("admin", Method::PUT, "/api/companies/999999")?;
        assert_eq!(unknown.json(&json!({"name": "New"})).send().await?.status(), 404);
        // The role is judged first: a client does not learn whether there is such a company.
        for level in ["billing", "client"] {
            for path in [PATH, "/api/companies/999999"] {
                let put = app.call_as(level, Method::PUT, path)?.json(&json!({"name": "New"}));
                assert_eq!(put.send().await?.status(), 403, "{level} {path}");
            }
        }
        assert_eq!(app.json(PATH).await?, before);
        Ok(())
    }

    async fn client_updates_a_company(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = Client::new(&app.url(), TokenSource::core(app.core.url(), "ledger")?)?;
        let edit = CompanyIn { phone_system: "Teams".into(), ..CompanyIn::default() };
        let company = client.companies().update("100001", &edit).await?;
        assert_eq!(company.phone_system.as_deref(), Some("Teams"));
        let bad = CompanyIn { compliance_level: "secret".into(), ..CompanyIn::default() };
        let error = client.companies().update("100001", &bad).await.unwrap_err();
        assert_eq!(error.status(), Some(422));
        assert!(error.to_string().contains("compliance_level"), "{error}");
        Ok(())
    }

    /// Syncs keep the new number.
    async fn renumbered_company_is_found_by_both_numbers(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = Client::new(&app.url(), TokenSource::core(app.core.url(), "helm")?)?;
        let before = client.companies().get("100001").await?;
        let assets = client.companies().assets("100001").await?;
        assert!(!assets.is_empty());
        let done = client.companies().renumber("100001", "654321").await?;
        assert_eq!((done.account_number.as_str(), done.previous.as_slice()), ("654321", &["100001".to_owned()][..]));
        app.run_syncs(&["/sync/psa", "/sync/datto", "/sync/tickets"]).await?;
        for number in ["100001", "654321"] {
            let company = client.companies().get(number).await?;
            assert_eq!((company.account_number.as_str(), &company.name), ("654321", &before.name));
            assert_eq!(client.companies().assets(number).await?.len(), assets.len());
        }
        let all = client.companies().list().await?;
        assert!(all.iter().all(|company| company.account_number != "100001"));
        // Nobody gets a number that was given, and its holder may have it back.
        for (of, wanted, status) in [
            ("100002", "100001", 409), ("100002", "654321", 409), ("100002", "12345", 400), ("100002", "12345x", 400),
            ("nobody", "777777", 404),
        ] {
            let error = client.companies().renumber(of, wanted).await.unwrap_err();
            assert_eq!(error.status(), Some(status), "{of} {wanted}");
        }
        let back = client.companies().renumber("654321", "100001").await?;
        assert_eq!((back.account_number.as_str(), back.previous.as_slice()), ("100001", &["654321".to_owned()][..]));
        assert_eq!(client.companies().renumber("100001", "100001").await?.previous, ["654321"]);
        let path = "/api/companies/100001/renumber";
        let body = json!({"account_number": "777777"});
        let refused = app.call_as("technician", Method::POST, path)?.json(&body).send().await?;
        assert_eq!(refused.status(), 403);
        Ok(())
    }
}
