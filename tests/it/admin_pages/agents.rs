//! Pages of agents, with a stand-in for Helm.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use codex_tests::{
    harness::{app::TestApp, database::TestDatabase},
    on_each_engine, on_sqlite,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Browser, form};

/// A call that Helm got: method and path, `Authorization`, body.
type Got = (String, String, Value);

/// A Helm that does what it is asked, and remembers.
struct Helm {
    url: String,
    calls: Arc<Mutex<Vec<Got>>>,
}

async fn helm() -> anyhow::Result<Helm> {
    let calls = Arc::<Mutex<Vec<Got>>>::default();
    let got = calls.clone();
    let router = Router::new().fallback(
        move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let bearer = headers
                .get("authorization")
                .and_then(|value| value.to_str().ok());
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let call = (
                format!("{method} {uri}"),
                bearer.unwrap_or_default().to_owned(),
                body.clone(),
            );
            got.lock().unwrap().push(call);
            let answer = if body["username"] == "taken" {
                (
                    StatusCode::CONFLICT,
                    Json(json!({"error": "Failed to create user"})),
                )
            } else if method == Method::GET {
                let groups = json!({"groups": [{"name": "admins"}, {"name": "others"}]});
                (StatusCode::OK, Json(groups))
            } else {
                (StatusCode::OK, Json(json!({"success": true})))
            };
            std::future::ready(answer)
        },
    );
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Helm { url, calls })
}

impl Helm {
    /// The last call, with the bearer that it must have had.
    fn last(&self, browser: &Browser<'_>) -> (String, Value) {
        let (call, bearer, body) = self.calls.lock().unwrap().last().cloned().unwrap();
        assert_eq!(bearer, format!("Bearer {}", browser.token));
        (call, body)
    }
}

/// The page of the first agent.
async fn first(app: &TestApp) -> anyhow::Result<(String, Value)> {
    let agents = app.json("/api/agents").await?;
    let agent = agents["agents"][0].clone();
    let id = agent["keycloak_id"].as_str().unwrap_or_default();
    Ok((format!("/agents/{id}"), agent))
}

on_each_engine! {
    async fn agents_of_both_systems_are_listed(app: TestApp) -> TestResult {
        let admin = Browser::new(&app, "admin")?;
        let html = admin.page("/agents").await?;
        assert!(html.contains("There are no agents yet") && html.contains("There are no PSA agents yet"), "{html}");
        app.run_syncs(&["/sync/psa", "/sync/agents"]).await?;
        let html = admin.page("/agents?total=true").await?;
        let (path, agent) = first(&app).await?;
        assert!(html.contains("12 agents in all") && html.contains(&format!("href=\"{path}\"")), "{html}");
        assert!(html.contains("<caption>Agents of the PSA</caption>"), "{html}");
        let name = agent["username"].as_str().unwrap();
        let one = admin.page(&format!("/agents?username={name}")).await?;
        assert!(one.contains("1 agent on this page"), "{one}");
        assert_eq!(admin.open("/agents?usrname=x").await?.0, 400);
        assert_eq!(admin.open("/agents/nobody").await?.0, 404);
        Ok(())
    }

    async fn users_are_changed_through_helm(database: TestDatabase) -> TestResult {
        let helm = helm().await?;
        let app = TestApp::with(database, &[("helm.url", &helm.url)]).await?;
        app.run_syncs(&["/sync/agents"]).await?;
        let admin = Browser::new(&app, "admin")?;
        let (path, agent) = first(&app).await?;
        let users = format!("/api/keycloak/users/{}", agent["keycloak_id"].as_str().unwrap());
        let html = admin.page(&path).await?;
        assert!(html.contains("name=\"group.admins\" value=\"on\" checked"), "{html}");
        assert!(html.contains("name=\"group.billing\" value=\"on\">"), "{html}");

        let new = [("username", "zoe"), ("email", "zoe@msp.example"), ("first_name", "Zoe")];
        let sent = admin.members(&new).await?;
        assert_eq!(admin.done("/agents/new", &sent).await?, "/agents?done=created");
        let (call, body) = helm.last(&admin);
        assert_eq!(call, "POST /api/keycloak/users");
        assert_eq!((&body["username"], &body["firstName"], &body["enabled"]), (&json!("zoe"), &json!("Zoe"), &json!(true)));

        let sent = admin.members(&[("groups", "sent"), ("group.technicians", "on")]).await?;
        assert_eq!(admin.done(&format!("{path}/groups"), &sent).await?, format!("{path}?done=groups"));
        let (call, body) = helm.last(&admin);
        assert_eq!((call, body), (format!("PUT {users}/groups"), json!({"groups": ["technicians", "others"]})));

        let sent = admin.members(&[("enabled", "false")]).await?;
        assert_eq!(admin.done(&format!("{path}/enabled"), &sent).await?, format!("{path}?done=disabled"));
        assert_eq!(helm.last(&admin), (format!("PUT {users}"), json!({"enabled": false})));

        let sent = admin.members(&[("password", "correct horse"), ("temporary", "on")]).await?;
        admin.done(&format!("{path}/password"), &sent).await?;
        let wanted = json!({"password": "correct horse", "temporary": true});
        assert_eq!(helm.last(&admin), (format!("POST {users}/reset-password"), wanted));

        let sent = form(&admin.page(&format!("{path}/delete")).await?);
        assert_eq!(admin.done(&format!("{path}/delete"), &sent).await?, "/agents?done=deleted");
        assert_eq!(helm.last(&admin).0, format!("DELETE {users}"));
        Ok(())
    }
}

on_sqlite! {
    async fn themes_are_saved_and_syncs_started(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let admin = Browser::new(&app, "admin")?;
        let (path, _) = first(&app).await?;
        let themes = [("theme_preference", "dark"), ("preferred_color_theme", "bee")];
        let sent = admin.members(&themes).await?;
        let settings = format!("{path}/settings");
        assert_eq!(admin.done(&settings, &sent).await?, format!("{path}?done=themes"));
        let agent = app.json(&format!("/api{path}")).await?;
        assert_eq!((&agent["theme_preference"], &agent["preferred_color_theme"]), (&json!("dark"), &json!("bee")));
        let sent = admin.members(&[("theme_preference", "neon")]).await?;
        let (status, html) = admin.refused(&settings, &sent).await?;
        assert_eq!(status, 422);
        assert!(html.contains("must be one of light, dark"), "{html}");
        let sent = admin.members(&[]).await?;
        assert_eq!(admin.done("/agents/sync", &sent).await?, "/agents?done=synced");
        Ok(())
    }

    async fn without_helm_forms_keep_their_input(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &[("helm.url", "http://127.0.0.1:1")]).await?;
        app.run_syncs(&["/sync/agents"]).await?;
        let admin = Browser::new(&app, "admin")?;
        let (path, agent) = first(&app).await?;
        let html = admin.page(&path).await?;
        assert!(html.contains("cannot be reached") && html.contains("HELM_SERVICE_URL"), "{html}");

        let sent = admin.members(&[("username", "zoe"), ("email", "zoe@msp.example")]).await?;
        let (status, html) = admin.refused("/agents/new", &sent).await?;
        assert_eq!((status, form(&html)["username"].as_str()), (424, "zoe"));
        assert!(html.contains("Nothing was changed."), "{html}");
        let sent = admin.members(&[("email", "new@msp.example"), ("first_name", "Neu")]).await?;
        let (status, html) = admin.refused(&format!("{path}/edit"), &sent).await?;
        assert_eq!((status, form(&html)["first_name"].as_str()), (424, "Neu"));
        let sent = admin.members(&[("password", "correct horse")]).await?;
        let (status, html) = admin.refused(&format!("{path}/password"), &sent).await?;
        assert_eq!(status, 424);
        assert!(!html.contains("correct horse"), "{html}");
        assert_eq!(first(&app).await?.1, agent);
        Ok(())
    }

    async fn users_that_helm_refuses_are_shown_with_its_reason(database: TestDatabase) -> TestResult {
        let helm = helm().await?;
        let app = TestApp::with(database, &[("helm.url", &helm.url)]).await?;
        let admin = Browser::new(&app, "admin")?;
        let sent = admin.members(&[("username", "taken"), ("email", "t@msp.example")]).await?;
        let (status, html) = admin.refused("/agents/new", &sent).await?;
        assert_eq!((status, form(&html)["username"].as_str()), (422, "taken"));
        assert!(html.contains("Failed to create user (409)"), "{html}");
        let sent = admin.members(&[("username", ""), ("email", "nobody")]).await?;
        let (status, html) = admin.refused("/agents/new", &sent).await?;
        assert_eq!(status, 422);
        assert!(html.contains("Login name is required") && html.contains("must be an address"), "{html}");
        assert_eq!(helm.calls.lock().unwrap().len(), 1, "bad input does not reach Helm");
        Ok(())
    }
}
