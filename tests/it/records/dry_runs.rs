//! Writes with `dry_run=true`: what they would change.

use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine,
};
use reqwest::Method;
use serde_json::{Value, json};

on_each_engine! {
    async fn dry_run_reports_and_changes_nothing(app: TestApp) -> TestResult {
        app.sync().await?;
        let before = app.json("/api/companies/100001").await?;
        let dry_run = async |method: Method, path: &str, body: Value| -> anyhow::Result<Value> {
            let path = format!("{path}?dry_run=true");
            let answer = app.call_as("admin", method, &path)?.json(&body).send().await?;
            assert_eq!(answer.status(), 202, "{path}");
            Ok(answer.json().await?)
        };
        let reported = dry_run(Method::PUT, "/api/companies/100001", json!({"name": "X"})).await?;
        assert_eq!(reported["dry_run"], true);
        let change = &reported["changes"][0];
        assert_eq!((&change["op"], &change["kind"]), (&json!("update"), &json!("company")));
        assert_eq!(change["fields"]["name"]["after"], "X");
        let reported = dry_run(Method::DELETE, "/api/companies/100001", json!(null)).await?;
        assert_eq!(reported["changes"][0]["op"], "delete");
        let reported = dry_run(Method::POST, "/api/companies", json!({"name": "X"})).await?;
        assert_eq!(reported["changes"][0]["op"], "create");
        dry_run(Method::POST, "/api/companies/bulk", json!([{"name": "X"}])).await?;
        let plan = json!({"plan_name": "X", "term_length": "1 Year"});
        dry_run(Method::POST, "/api/billing-plans", plan).await?;
        assert_eq!(app.json("/api/companies/100001").await?, before);
        assert_eq!(app.json("/api/companies").await?.as_array().unwrap().len(), 3);
        assert_eq!(app.json("/api/billing-plans").await?, json!([]));
        // What can only be made says so, and is not made.
        let refused = app.call_as("admin", Method::POST, "/sync/psa?dry_run=true")?.send().await?;
        assert_eq!(refused.status(), 400);
        let bad = app.call_as("admin", Method::PUT, "/api/companies/100001?dry_run=yes")?
            .json(&json!({"name": "X"})).send().await?;
        assert_eq!(bad.status(), 400);
        Ok(())
    }

    async fn dry_run_with_a_key_is_made_anew_each_time(app: TestApp) -> TestResult {
        app.sync().await?;
        let one = json!({"name": "X"});
        for (path, body) in [("/api/companies", one.clone()), ("/api/companies/bulk", json!([one]))] {
            for _ in 0..2 {
                let call = app.call_as("admin", Method::POST, &format!("{path}?dry_run=true"))?;
                let answer = call.header("idempotency-key", path).json(&body).send().await?;
                assert_eq!(answer.status(), 202, "{path}");
                assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
                assert!(answer.headers().get("idempotency-replayed").is_none(), "{path}");
                assert_eq!(answer.json::<Value>().await?["changes"][0]["op"], "create", "{path}");
            }
        }
        assert_eq!(app.json("/api/companies").await?.as_array().unwrap().len(), 3);
        Ok(())
    }

    async fn dry_run_of_a_company_with_overrides_plans_both(app: TestApp) -> TestResult {
        app.sync().await?;
        let before = app.json("/api/companies/100001").await?;
        let body = json!({"name": "X", "feature_overrides": {"soc": "Huntress"}});
        let call = app.call_as("admin", Method::PUT, "/companies/100001/update?dry_run=true")?;
        let answer = call.json(&body).send().await?;
        assert_eq!(answer.status(), 202);
        let reported: Value = answer.json().await?;
        let changes = reported["changes"].as_array().unwrap().iter();
        let planned: Vec<(&Value, &Value)> = changes.map(|change| (&change["kind"], &change["op"])).collect();
        assert!(planned.contains(&(&json!("company"), &json!("update"))), "{reported}");
        assert!(planned.contains(&(&json!("override"), &json!("create"))), "{reported}");
        assert_eq!(app.json("/api/companies/100001").await?, before);
        assert_eq!(app.json("/api/companies/100001/overrides").await?, json!([]));
        Ok(())
    }

    async fn dry_run_shows_companies_by_account_number(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let (own, other) = ("100001", "100002");
        let foretold = async |method: Method, path: &str, body: Value| -> anyhow::Result<Value> {
            let call = app.call_as("admin", method, &format!("{path}?dry_run=true"))?;
            let answer = call.json(&body).send().await?;
            assert_eq!(answer.status(), 202, "{path}");
            let reported: Value = answer.json().await?;
            assert!(!reported.to_string().contains("company_id"), "{path}: {reported}");
            Ok(reported["changes"][0].clone())
        };
        let asset = client.companies().assets(own).await?[0].id;
        let moved = json!({"company_account_number": other});
        let numbers = json!({"company_account_number": {"before": own, "after": other}});
        let row = json!([{"id": asset, "company_account_number": other}]);
        for (method, path, body) in [
            (Method::PUT, format!("/api/assets/{asset}"), moved),
            (Method::POST, "/api/assets/bulk".to_owned(), row),
        ] {
            let change = foretold(method, &path, body).await?;
            assert_eq!((&change["record_id"], &change["fields"]), (&json!(asset), &numbers), "{path}");
            assert!(change.get("company_account_number").is_none(), "{change}");
        }
        let contact = client.companies().contacts(own).await?[0].id;
        let moved = json!({"company_account_numbers": [other]});
        let change = foretold(Method::PUT, &format!("/api/contacts/{contact}"), moved).await?;
        let numbers = &change["fields"]["company_account_numbers"];
        assert_eq!((&change["record_id"], &numbers["after"]), (&json!(contact), &json!([other])), "{change}");
        assert!(numbers["before"].as_array().unwrap().contains(&json!(own)), "{change}");
        let company = format!("/api/companies/{own}");
        let change = foretold(Method::POST, &format!("{company}/locations"), json!({"name": "X"})).await?;
        assert_eq!(change["fields"]["company_account_number"]["after"], own);
        let new = json!({"name": "X", "account_number": "654321"});
        for (method, path, body, number) in [
            (Method::PUT, company.as_str(), json!({"name": "X"}), own),
            (Method::DELETE, company.as_str(), json!(null), own),
            (Method::POST, "/api/companies", new, "654321"),
            (Method::POST, "/api/companies/bulk", json!([{"account_number": other, "name": "X"}]), other),
        ] {
            let change = foretold(method, path, body).await?;
            assert_eq!(change["company_account_number"], number, "{path}: {change}");
            assert!(change["record_id"].is_null(), "row ids of companies stay inside: {change}");
        }
        Ok(())
    }
}
