//! What is refused, and how a caller learns what to correct.

use codex_client::{Client, ContactIn, Error, Fault, TokenSource};
use codex_tests::{harness::app::TestApp, on_each_engine, on_sqlite};
use reqwest::Method;
use serde_json::{Value, json};

/// Status, media type and body of a call of an administrator.
async fn refused(
    app: &TestApp,
    method: Method,
    path: &str,
    body: &Value,
) -> anyhow::Result<(u16, String, Value)> {
    let answer = app
        .call_as("admin", method, path)?
        .json(body)
        .send()
        .await?;
    let kind = answer.headers()["content-type"].to_str()?.to_owned();
    let id = answer.headers()["x-correlation-id"].to_str()?.to_owned();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await?;
    assert_eq!(body["correlation_id"], id, "{path}: {body}");
    Ok((status, kind, body))
}

on_each_engine! {
    async fn invalid_emails_and_dates_are_refused_by_pointer(app: TestApp) -> TestResult {
        app.sync().await?;
        let contact = app.json("/api/companies/100001/contacts").await?[0]["id"].clone();
        let asset = app.json("/api/companies/100001/assets").await?[0]["id"].clone();
        let agent = json!({"keycloak_id": "k", "username": "u", "email": "no-at"});
        for (method, path, body, pointers) in [
            (Method::POST, "/api/contacts".to_owned(), json!({"name": "A", "email": "no-at"}), vec!["/email"]),
            (Method::PUT, format!("/api/contacts/{contact}"), json!({"email": "a@"}), vec!["/email"]),
            (Method::PUT, format!("/contacts/{contact}/update"),
                json!({"email": "no-at", "secondary_emails": "a@b.example, c"}), vec!["/email", "/secondary_emails"]),
            (Method::PUT, "/api/companies/100001".to_owned(),
                json!({"contract_start_date": "yesterday", "contract_end_date": "2026-02-30"}),
                vec!["/contract_end_date", "/contract_start_date"]),
            (Method::PUT, "/companies/100001/update".to_owned(),
                json!({"contract_start_date": "01/02/2026"}), vec!["/contract_start_date"]),
            (Method::POST, "/api/companies".to_owned(),
                json!({"name": "A", "contract_end_date": "+10002-12-30"}), vec!["/contract_end_date"]),
            (Method::PUT, format!("/api/assets/{asset}"), json!({"warranty_date": "soon"}), vec!["/warranty_date"]),
            (Method::POST, "/api/agents".to_owned(), agent, vec!["/email"]),
        ] {
            // A dry run refuses what the write would.
            for dry_run in ["", "?dry_run=true"] {
                let asked = format!("{path}{dry_run}");
                let (status, _, reported) = refused(&app, method.clone(), &asked, &body).await?;
                assert_eq!(status, 422, "{asked} {body}: {reported}");
                let faults = reported["errors"].as_array().unwrap();
                let named: Vec<&str> = faults.iter().filter_map(|fault| fault["pointer"].as_str()).collect();
                assert_eq!(named, pointers, "{asked} {body}");
            }
        }
        let token = app.core.key.user("admin", "admin@msp.example")?;
        let client = Client::new(&app.url(), TokenSource::fixed(token))?;
        let bad = ContactIn { name: "A".into(), email: "no-at".into(), ..ContactIn::default() };
        let error = client.contacts().create(&bad).await.unwrap_err();
        let Error::Validation { faults, .. } = error else { anyhow::bail!("{error:?}") };
        assert_eq!(faults, [Fault::at("email", "must be an e-mail address such as ann@example.com")]);
        // Blank and null still blank, and a time is a date.
        for good in [json!({"contract_start_date": null}), json!({"contract_start_date": ""}),
            json!({"contract_start_date": "2026-02-01T00:00:00Z"})] {
            let answer = app.call_as("admin", Method::PUT, "/api/companies/100001")?.json(&good).send().await?;
            assert_eq!(answer.status(), 200, "{good}");
        }
        assert_eq!(app.json("/api/companies/100001").await?["contract_start_date"], "2026-02-01T00:00:00Z");
        Ok(())
    }
}

on_sqlite! {
    async fn legacy_errors_carry_the_problem_beside_their_own_members(app: TestApp) -> TestResult {
        app.sync().await?;
        let long = json!({"name": " ", "compliance_level": "odd"});
        for (method, path, body, status, code) in [
            (Method::GET, "/api/companies/999999", &Value::Null, 404, "not-found"),
            (Method::GET, "/api/ticket/999999999", &Value::Null, 404, "not-found"),
            (Method::GET, "/sync/status/none", &Value::Null, 404, "not-found"),
            (Method::GET, "/billing-plans/api/plans/None/1%20Year", &Value::Null, 404, "not-found"),
            (Method::PUT, "/api/companies/100001", &long, 422, "unprocessable-entity"),
            (Method::PUT, "/companies/100001/update", &long, 422, "unprocessable-entity"),
        ] {
            let (answered, kind, reported) = refused(&app, method, path, body).await?;
            assert_eq!((answered, kind.as_str()), (status, "application/json"), "{path}: {reported}");
            // What today's modules read.
            let own = if reported["status"] == "error" { "message" } else { "error" };
            assert!(reported[own].is_string(), "{path}: {reported}");
            assert_eq!(reported["detail"], reported[own], "{path}");
            // What a problem says.
            assert_eq!((&reported["code"], &reported["type"]), (&json!(code), &json!(format!("about:blank#{code}"))), "{path}");
            assert!(reported["title"].is_string() && reported["instance"].is_string(), "{path}: {reported}");
            if reported["status"] != "error" {
                assert_eq!(reported["status"], status, "{path}");
            }
            let faults = reported["errors"].as_array().map_or(0, Vec::len);
            assert_eq!(faults, if status == 422 { 2 } else { 0 }, "{path}: {reported}");
        }
        let token = app.core.key.user("admin", "admin@msp.example")?;
        let client = Client::new(&app.url(), TokenSource::fixed(token))?;
        let missing = client.companies().get("999999").await.unwrap_err();
        assert!(matches!(&missing, Error::NotFound(_)), "{missing:?}");
        assert_eq!(missing.code(), Some("not-found"));
        Ok(())
    }
}
