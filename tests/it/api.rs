//! The daemon's routes as today's modules call them.

use codex_tests::{
    harness::{app::TestApp, keys},
    on_each_engine, on_sqlite,
    sim::core::{KEY_ID, SigningKey, user_claims},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};

on_each_engine! {
    async fn synced_records_have_the_contract_shapes(app: TestApp) -> TestResult {
        app.sync().await?;
        let companies = app.json("/api/companies").await?;
        assert_eq!(companies.as_array().unwrap().len(), 3);
        assert_eq!(keys(&companies[0]), [
            "account_number", "billing_plan", "company_main_number", "company_start_date", "compliance_level",
            "contract_end_date", "contract_start_date", "contract_term_length", "description", "domains",
            "email_system", "name", "phone_system", "profit_or_non_profit", "support_level",
        ]);
        for company in companies.as_array().unwrap() {
            assert!(company["account_number"].is_string());
            assert!(company["billing_plan"].is_string(), "never null: consumers 0 #2");
            assert!(company["domains"].is_string() || company["domains"].is_null());
        }
        let account = companies[0]["account_number"].as_str().unwrap();
        assert_eq!(app.json(&format!("/api/companies/{account}")).await?, companies[0]);
        let assets = app.json(&format!("/api/companies/{account}/assets")).await?;
        assert_eq!(keys(&assets[0]), [
            "antivirus_product", "backup_data_bytes", "backup_usage_tb", "company_compliance_level", "device_type",
            "domain", "ext_ip_address", "hardware_type", "hostname", "id", "int_ip_address", "last_logged_in_user",
            "last_seen", "online", "operating_system",
        ]);
        assert!(assets[0]["last_seen"].as_str().unwrap().ends_with("+00:00"));
        let contacts = app.json(&format!("/api/companies/{account}/contacts")).await?;
        assert_eq!(keys(&contacts[0]), [
            "active", "company_compliance_level", "email", "employment_type", "id", "mobile_phone_number", "name",
            "secondary_emails", "title", "work_phone_number",
        ]);
        assert_eq!(app.json(&format!("/api/companies/{account}/users")).await?, contacts);
        let locations = app.json(&format!("/api/companies/{account}/locations")).await?;
        assert_eq!(keys(&locations[0]), ["address", "company_compliance_level", "id", "name", "phone_number"]);
        let agents = app.json("/api/psa/agents").await?;
        assert_eq!(keys(&agents[0]), ["active", "email", "external_id", "id", "job_title", "name", "source"]);
        let id = &assets[0]["id"];
        assert_eq!(app.json(&format!("/api/assets/{id}")).await?, assets[0]);
        let id = &contacts[0]["id"];
        assert_eq!(app.json(&format!("/api/contacts/{id}")).await?, contacts[0]);
        let job = app.json("/sync/last/freshservice").await?;
        assert_eq!(keys(&job), [
            "completed_at", "error", "id", "output", "script", "started_at", "status", "success",
        ]);
        assert_eq!((&job["script"], &job["status"]), (&json!("psa"), &json!("completed")));
        Ok(())
    }

    async fn pages_of_assets_follow_the_link_header_to_the_end(app: TestApp) -> TestResult {
        app.sync().await?;
        let mut path = "/api/assets?limit=5".to_owned();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..10 {
            let answer = app.get(&path)?.header("X-Forwarded-Prefix", "/codex").send().await?.error_for_status()?;
            let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
            let page: Vec<Value> = answer.json().await?;
            seen.extend(page.iter().map(|asset| asset["id"].as_i64().unwrap()));
            let Some(link) = link else { break };
            let next = link.strip_prefix("</codex").unwrap().split('>').next().unwrap();
            next.clone_into(&mut path);
        }
        assert_eq!(seen.len(), 12);
        for bad in ["?limit=0", "?limit=501", "?limit=x", "?cursor=zz", "?nonsense=1"] {
            let answer = app.get(&format!("/api/assets{bad}"))?.send().await?;
            assert_eq!(answer.status(), 400, "{bad}");
        }
        Ok(())
    }

    async fn unknown_record_is_404_with_an_error_body(app: TestApp) -> TestResult {
        for path in [
            "/api/companies/999999", "/api/companies/999999/assets", "/api/companies/999999/contacts",
            "/api/companies/999999/users", "/api/companies/999999/locations", "/api/contacts/999999",
            "/api/assets/999999", "/sync/status/none", "/sync/last/psa", "/api/assets?company_id=999999",
        ] {
            let answer = app.get(path)?.send().await?;
            assert_eq!(answer.status(), 404, "{path}");
            let body: Value = answer.json().await?;
            assert!(body["error"].is_string(), "{path}: {body}");
        }
        Ok(())
    }

    async fn psa_agents_are_sorted_by_active_then_name(app: TestApp) -> TestResult {
        {
            let mut world = app.world.lock();
            let one = world.agents[0].clone();
            world.agents.clear();
            for (id, name, active) in [(1, "Aaron", false), (2, "zoe", true), (3, "Bert", true), (4, "adam", false)] {
                let mut agent = one.clone();
                (agent["id"], agent["active"]) = (json!(id), json!(active));
                (agent["first_name"], agent["last_name"]) = (json!(name), json!("X"));
                world.agents.push(agent);
            }
        }
        app.run_syncs(&["/sync/psa"]).await?;
        let agents = app.json("/api/psa/agents").await?;
        let ids: Vec<&Value> = agents.as_array().unwrap().iter().map(|agent| &agent["external_id"]).collect();
        assert_eq!(json!(ids), json!([3, 2, 1, 4]), "{agents}");
        Ok(())
    }

    async fn clients_see_no_agents_and_cannot_start_a_sync(app: TestApp) -> TestResult {
        app.sync().await?;
        assert_eq!(app.get_as("client", "/api/psa/agents")?.send().await?.status(), 403);
        assert_eq!(app.get_as("client", "/sync/last/psa")?.send().await?.status(), 403);
        let companies: Value = app.get_as("client", "/api/companies")?.send().await?.json().await?;
        assert_eq!(companies, json!([]));
        assert_eq!(app.get_as("client", "/api/companies/100001")?.send().await?.status(), 404);
        for level in ["client", "billing", "technician"] {
            let token = app.core.key.user(level, "x@msp.example")?;
            let answer = app.call(Method::POST, "/sync/psa").bearer_auth(token).send().await?;
            assert_eq!(answer.status(), 403, "{level}");
        }
        Ok(())
    }

    async fn health_and_docs_answer_without_a_token(app: TestApp) -> TestResult {
        let health = app.call(Method::GET, "/health").send().await?;
        let body: Value = health.json().await?;
        assert_eq!(body["service"], "codex");
        assert_eq!(body["checks"]["database"]["status"], "healthy");
        for path in ["/health/live", "/health/ready", "/openapi.json", "/docs/"] {
            assert_eq!(app.call(Method::GET, path).send().await?.status(), 200, "{path}");
        }
        for path in ["/apispec.json", "/apidocs/index.html", "/docs"] {
            assert!(app.call(Method::GET, path).send().await?.status().is_redirection(), "{path}");
        }
        Ok(())
    }
}

on_sqlite! {
    async fn foreign_token_is_401_with_a_problem(app: TestApp) -> TestResult {
        let claims = user_claims("admin", "a@msp.example");
        let with = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            claims
        };
        let key = &app.core.key;
        let symmetric = {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = Some(KEY_ID.into());
            encode(&header, &claims, &EncodingKey::from_secret(b"secret"))?
        };
        let none = format!("eyJhbGciOiJub25lIn0.{}.", key.sign(&claims)?.split('.').nth(1).unwrap());
        let bad = [
            key.sign(&with("exp", json!(1_000)))?,
            key.sign(&with("iss", json!("hivematrix.core")))?,
            SigningKey::generate(KEY_ID)?.sign(&claims)?,
            SigningKey::generate("another")?.sign(&claims)?,
            symmetric,
            none,
            "rubbish".to_owned(),
        ];
        for token in &bad {
            let answer = app.call(Method::GET, "/api/companies").bearer_auth(token).send().await?;
            assert_eq!(answer.status(), 401);
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            let body = answer.text().await?;
            assert!(body.contains("about:blank#unauthorized"), "{body}");
            assert!(!body.contains(token.as_str()), "the token is not echoed");
        }
        assert_eq!(app.call(Method::GET, "/api/companies").send().await?.status(), 401);
        let lower = format!("bearer {}", key.sign(&claims)?);
        let answer = app.call(Method::GET, "/api/companies").header("Authorization", lower).send().await?;
        assert_eq!(answer.status(), 401, "the scheme is case-sensitive (contract 6)");
        assert_eq!(app.get("/api/companies")?.send().await?.status(), 200);
        Ok(())
    }

    async fn correlation_id_is_kept_or_created_and_echoed(app: TestApp) -> TestResult {
        let taken = app.get("/api/companies")?.header("X-Correlation-ID", "abc-123").send().await?;
        assert_eq!(taken.headers()["x-correlation-id"], "abc-123");
        let made = app.get("/api/companies")?.send().await?;
        assert!(made.headers()["x-correlation-id"].len() >= 32);
        Ok(())
    }

    async fn wrong_method_and_unknown_path_are_problems(app: TestApp) -> TestResult {
        let token = app.core.key.user("admin", "a@msp.example")?;
        let answer = app.call(Method::DELETE, "/api/companies").bearer_auth(token).send().await?;
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let answer = app.get("/api/nothing")?.send().await?;
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.json::<Value>().await?["instance"], "/api/nothing");
        Ok(())
    }
}
