//! What client users, the customers of the MSP, see.

use codex_tests::{harness::app::TestApp, on_each_engine, sim::core::user_claims};
use reqwest::Method;
use serde_json::{Value, json};

const OWN: &str = "100001";
const OTHER: &str = "100002";

struct Client<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Client<'a> {
    fn new(app: &'a TestApp, email: &str) -> anyhow::Result<Self> {
        let token = app.core.key.user("client", email)?;
        Ok(Self { app, token })
    }

    async fn get(&self, path: &str) -> anyhow::Result<(u16, Value)> {
        let answer = self
            .app
            .call(Method::GET, path)
            .bearer_auth(&self.token)
            .send()
            .await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        ))
    }

    async fn json(&self, path: &str) -> anyhow::Result<Value> {
        let (status, body) = self.get(path).await?;
        anyhow::ensure!(status == 200, "{path}: {status} {body}");
        Ok(body)
    }
}

async fn admin(
    app: &TestApp,
    method: Method,
    path: &str,
    body: Value,
) -> anyhow::Result<(u16, Value)> {
    let answer = app
        .call_as("admin", method, path)?
        .json(&body)
        .send()
        .await?;
    let status = answer.status().as_u16();
    Ok((status, answer.json().await.unwrap_or_default()))
}

async fn done(app: &TestApp, method: Method, path: &str, body: Value) -> anyhow::Result<Value> {
    let (status, answer) = admin(app, method, path, body).await?;
    anyhow::ensure!(status < 300, "{path}: {status} {answer}");
    Ok(answer)
}

async fn contacts(app: &TestApp) -> anyhow::Result<(String, i64)> {
    app.run_syncs(&["/sync/psa", "/sync/datto", "/sync/tickets"])
        .await?;
    let contacts = app.json("/api/companies/100001/contacts").await?;
    let email = contacts[0]["email"].as_str().unwrap_or_default().to_owned();
    Ok((email, contacts[1]["id"].as_i64().unwrap_or_default()))
}

fn all<'v>(list: &'v Value, key: &str) -> Vec<&'v Value> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|one| &one[key])
        .collect()
}

on_each_engine! {
    async fn other_companies_of_a_shared_contact_are_hidden(app: TestApp) -> TestResult {
        let (email, shared) = contacts(&app).await?;
        let both = json!({"company_account_numbers": [OWN, OTHER]});
        done(&app, Method::PUT, &format!("/api/contacts/{shared}"), both).await?;
        done(&app, Method::PUT, &format!("/api/companies/{OTHER}"), json!({"compliance_level": "hipaa"})).await?;
        let client = Client::new(&app, &email)?;
        let one = format!("/api/contacts/{shared}");
        assert_eq!(app.json(&one).await?["company_compliance_level"], "hipaa");
        assert_eq!(client.json(&one).await?["company_compliance_level"], "standard");
        let list = client.json("/api/contacts?limit=500").await?;
        assert!(all(&list, "company_compliance_level").iter().all(|level| **level == "standard"), "{list}");
        let table = client.json("/contacts/api/search?show_inactive=1").await?;
        assert!(all(&table["contacts"], "company_count").iter().all(|count| **count == 1), "{table}");
        Ok(())
    }

    async fn similar_address_gives_no_access(app: TestApp) -> TestResult {
        app.sync().await?;
        for email in ["muller@acme.test", "kate@acme.test", "sam@acme.test", "Zoë@acmé.test"] {
            let person = json!({"name": email, "email": email, "company_account_numbers": [OWN]});
            done(&app, Method::POST, "/api/contacts", person).await?;
        }
        let seen = async |email: &str| -> anyhow::Result<Vec<Value>> {
            let companies = Client::new(&app, email)?.json("/api/companies").await?;
            Ok(all(&companies, "account_number").into_iter().cloned().collect())
        };
        for email in ["muller@acme.test", " MULLER@acme.TEST", "kate@acme.test", "ZOË@ACMÉ.test", "zoe\u{308}@acme\u{301}.test"] {
            assert_eq!(seen(email).await?, [OWN], "{email}");
        }
        for email in [
            "müller@acme.test", "muller@acmé.test", "\u{212a}ate@acme.test", "\u{17f}am@acme.test", "zoe@acme.test",
            "kate@acme\u{ff0e}test", "ka\u{200b}te@acme.test",
        ] {
            assert_eq!(seen(email).await?, Vec::<Value>::new(), "{email}");
        }
        Ok(())
    }

    async fn clients_see_no_plans_agents_or_hours(app: TestApp) -> TestResult {
        let (email, _) = contacts(&app).await?;
        let asset = app.json("/api/companies/100001/assets").await?[0]["id"].clone();
        let company = format!("/api/companies/{OWN}");
        done(&app, Method::PUT, &company, json!({"billing_plan": "Zebra", "support_level": "Quagga"})).await?;
        done(&app, Method::PUT, &format!("/api/assets/{asset}"), json!({"web_remote_url": "https://okapi.example"})).await?;
        let client = Client::new(&app, &email)?;
        for path in [
            "/companies/api/search", "/assets/api/search", "/api/companies", "/api/companies/bulk", "/api/companies/100001",
            "/api/search?q=client", "/api/export/companies.ndjson", "/api/export/assets.ndjson",
        ] {
            let shown = client.get(path).await?.1.to_string();
            assert!(["Zebra", "Quagga", "Premium", "okapi"].iter().all(|word| !shown.contains(word)), "{path}: {shown}");
        }
        let staff = app.json("/companies/api/search?search=100001").await?;
        assert_eq!(staff["companies"][0]["plan_selected"], "Premium");

        let board = |board: &Value| -> Vec<Value> {
            let sections = ["section1", "section2", "section3", "section4"];
            sections.iter().flat_map(|section| board[section].as_array().unwrap().clone()).collect()
        };
        let mine = |ticket: &Value| ticket["company_id"] == OWN && !ticket["responder_id"].is_null();
        let shown = app.json("/api/tickets/active").await?;
        assert!(board(&shown).iter().any(mine) && shown["last_sync_time"].is_string(), "{shown}");
        let shown = client.json("/api/tickets/active?responder_id=1").await?;
        assert!(!board(&shown).is_empty(), "an agent is nothing that a client can ask by");
        assert_eq!(shown["last_sync_time"], Value::Null);
        let mut tickets = board(&shown);
        for path in ["/api/psa/tickets", "/api/psa/tickets/active"] {
            tickets.extend(client.json(path).await?.as_array().unwrap().clone());
        }
        for ticket in &tickets {
            assert_eq!((&ticket["responder_id"], &ticket["group_id"]), (&Value::Null, &Value::Null), "{ticket}");
            assert!(ticket["responder_name"].is_null() || ticket["responder_name"] == "Unassigned", "{ticket}");
        }
        let worked = |list: &Value| all(list, "total_hours_spent").iter().any(|hours| **hours != json!(0.0));
        assert!(worked(&app.json("/api/companies/100001/tickets").await?));
        assert!(!worked(&client.json("/api/companies/100001/tickets").await?));
        assert!(!worked(&client.json("/api/tickets?limit=1000").await?["tickets"]));

        for path in [
            "/api/companies?sort=billing_plan", "/api/companies?support_level__isnull=true", "/api/companies?external_id__gt=1",
            "/api/contacts?vip_user=true", "/api/contacts?external_id__gt=1", "/api/assets?device_uid__startswith=a",
            "/api/assets?sort=serial_number", "/api/tickets?responder_id__isnull=false", "/api/tickets?sort=group_id",
        ] {
            assert_eq!(app.get(path)?.send().await?.status(), 200, "{path}");
            let (status, refused) = client.get(path).await?;
            assert_eq!(status, 400, "{path}: {refused}");
        }
        Ok(())
    }

    async fn clients_see_nothing_of_a_deleted_company(app: TestApp) -> TestResult {
        let (email, _) = contacts(&app).await?;
        let client = Client::new(&app, &email)?;
        assert_ne!(client.json("/api/assets").await?, json!([]));
        done(&app, Method::DELETE, &format!("/api/companies/{OWN}"), Value::Null).await?;
        for path in ["/api/companies", "/api/contacts", "/api/assets"] {
            assert_eq!(client.json(path).await?, json!([]), "{path}");
        }
        assert_eq!(client.json("/api/tickets").await?["total"], 0);
        for kind in ["companies", "contacts", "assets", "tickets"] {
            assert_eq!(client.get(&format!("/api/export/{kind}.ndjson")).await?.1, "", "{kind}");
        }
        Ok(())
    }

    async fn administrators_give_users_access_to_companies(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa", "/sync/agents"]).await?;
        let agent = app.json("/api/agents").await?["agents"][0]["keycloak_id"].as_str().unwrap().to_owned();
        let path = format!("/api/agents/{agent}/companies");
        let mut claims = user_claims("client", "nobody@elsewhere.example");
        claims["sub"] = json!(agent);
        let client = Client { app: &app, token: app.core.key.sign(&claims)? };
        let seen = async || anyhow::Ok(client.json("/api/companies").await?.as_array().unwrap().len());
        assert_eq!(seen().await?, 0);

        let both = json!({"company_account_numbers": [OTHER, OWN]});
        assert_eq!(admin(&app, Method::PUT, &format!("{path}?dry_run=true"), both.clone()).await?.0, 202);
        assert_eq!(seen().await?, 0);
        let opened = done(&app, Method::PUT, &path, both.clone()).await?;
        assert_eq!(opened["company_account_numbers"].as_array().unwrap().len(), 2, "{opened}");
        assert_eq!(app.json(&path).await?, opened);
        assert_eq!(seen().await?, 2);
        assert_eq!(client.json(&format!("/api/companies/{OWN}")).await?["account_number"], OWN);

        let stale = app.call_as("admin", Method::PUT, &path)?.header("if-match", "W/\"x-1\"");
        assert_eq!(stale.json(&both).send().await?.status(), 412);
        let unknown = json!({"company_account_numbers": ["999999"]});
        assert_eq!(admin(&app, Method::PUT, &path, unknown).await?.0, 400);
        assert_eq!(admin(&app, Method::PUT, &path, json!({})).await?.0, 400);
        for wrong in [json!({"company_account_numbers": "x"}), json!({"company_account_numbers": [], "more": 1})] {
            assert_eq!(admin(&app, Method::PUT, &path, wrong.clone()).await?.0, 422, "{wrong}");
        }
        assert_eq!(seen().await?, 2, "what is refused changes nothing");
        done(&app, Method::PUT, &path, json!({"company_account_numbers": []})).await?;
        assert_eq!(seen().await?, 0);
        assert_eq!(app.get_as("technician", &path)?.send().await?.status(), 403);
        assert_eq!(app.get("/api/agents/nobody/companies")?.send().await?.status(), 404);
        Ok(())
    }
}
