//! Agents and settings through the API.

use codex_client::{Client, SettingsIn, SyncKind, TokenSource};
use codex_tests::{
    harness::{app::TestApp, keys},
    on_each_engine, on_sqlite,
    sim::{
        core::user_claims,
        fault::{FaultKind, When},
        keycloak::Access,
        world::user_id,
    },
};
use reqwest::Method;
use serde_json::{Value, json};

const MINE: &str = "/api/my/settings";

fn settings_of(n: usize) -> String {
    format!("/api/agents/{}/settings", user_id(n))
}

/// A PUT as a user of a level: status and body.
async fn put(app: &TestApp, level: &str, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
    let answer = app
        .call_as(level, Method::PUT, path)?
        .json(body)
        .send()
        .await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

on_each_engine! {
    async fn sync_answers_when_done_and_agents_match_the_contract(app: TestApp) -> TestResult {
        let sync = || app.call_as("admin", Method::POST, "/api/agents/sync");
        let first: Value = sync()?.send().await?.error_for_status()?.json().await?;
        assert_eq!(first, json!({"success": true, "synced": 12, "created": 12, "updated": 0, "total_keycloak_users": 12}));
        app.world.lock().user_mut(&user_id(1)).unwrap()["firstName"] = json!("Gracie");
        let second: Value = sync()?.send().await?.error_for_status()?.json().await?;
        assert_eq!(second, json!({"success": true, "synced": 12, "created": 0, "updated": 1, "total_keycloak_users": 12}));

        let list = app.json("/api/agents").await?;
        assert_eq!((keys(&list), &list["total"]), (vec!["agents", "total"], &json!(12)));
        let agents = list["agents"].as_array().unwrap();
        assert_eq!(agents.len(), 12);
        let agent = app.json(&format!("/api/agents/{}", user_id(1))).await?;
        assert_eq!(agents.iter().find(|a| a["keycloak_id"] == user_id(1).as_str()), Some(&agent));
        assert_eq!(keys(&agent), [
            "created_at", "email", "enabled", "first_name", "home_page_preference", "keycloak_id",
            "knowledgetree_view_preference", "last_name", "last_synced_at", "preferred_color_theme",
            "theme_preference", "updated_at", "username",
        ]);
        assert_eq!((&agent["first_name"], &agent["username"]), (&json!("Gracie"), &json!("technician")));
        assert_eq!((&agent["enabled"], &agent["theme_preference"]), (&json!(true), &json!("light")));
        for time in ["created_at", "updated_at", "last_synced_at"] {
            assert!(agent[time].as_str().unwrap().ends_with("+00:00"), "{time}");
        }
        assert!(agent["last_synced_at"].as_str() > agent["created_at"].as_str());
        // Two without an e-mail address are two.
        assert_eq!(agents.iter().filter(|agent| agent["email"] == "").count(), 2);
        Ok(())
    }

    async fn sync_also_runs_as_a_job(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let job = app.json("/sync/last/keycloak_agents").await?;
        assert_eq!((&job["script"], &job["success"]), (&json!("keycloak_agents"), &json!(true)));
        assert!(job["output"].as_str().unwrap().contains("agent: 12 seen, 12 created"));
        Ok(())
    }

    /// A refused login is 500.
    async fn failed_sync_has_the_status_of_keycloak(app: TestApp) -> TestResult {
        let sync = async || -> anyhow::Result<(u16, Value)> {
            let answer = app.call_as("admin", Method::POST, "/api/agents/sync")?.send().await?;
            Ok((answer.status().as_u16(), answer.json().await?))
        };
        app.run_syncs(&["/sync/agents"]).await?;
        let list = "/admin/realms/hivematrix/users";
        for (kind, status) in [
            (FaultKind::Status(404), 404), (FaultKind::Status(409), 409), (FaultKind::Status(401), 500), (FaultKind::NullBody, 500),
            (FaultKind::EmptyList, 500),
        ] {
            app.keycloak.faults().add(list, When::Always, kind.clone());
            let (answered, body) = sync().await?;
            assert_eq!((answered, body["error"].is_string()), (status, true), "{kind:?}: {body}");
            app.keycloak.faults().clear();
        }
        app.keycloak.change(|options| {
            options.client_access = Access::None;
            options.admin_access = Access::None;
        });
        let (answered, body) = sync().await?;
        assert_eq!(answered, 403);
        assert!(body["error"].as_str().unwrap().contains("view-users"), "{body}");
        app.keycloak.change(|options| {
            options.client_secret = "changed";
            options.admin_password = "changed";
        });
        let (answered, body) = sync().await?;
        assert_eq!(answered, 500);
        assert!(body["error"].as_str().unwrap().contains("login"), "{body}");
        assert_eq!(app.json("/api/agents").await?["total"], 12);
        Ok(())
    }

    async fn every_role_reads_and_sets_its_own_settings(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        for level in ["admin", "technician", "billing", "client"] {
            let mine: Value = app.get_as(level, MINE)?.send().await?.error_for_status()?.json().await?;
            assert_eq!(mine, json!({"theme_preference": "light", "knowledgetree_view_preference": "grid",
                "preferred_color_theme": "purple", "home_page_preference": "beacon", "username": level,
                "email": format!("{level}@msp.example"), "synced": true}), "{level}");
            let (status, changed) = put(&app, level, MINE, &json!({"theme_preference": "dark", "colour": 1})).await?;
            assert_eq!(status, 200, "{level}: {changed}");
            assert!(changed["message"].is_string());
            assert_eq!(keys(&changed), [
                "home_page_preference", "knowledgetree_view_preference", "message", "preferred_color_theme",
                "success", "theme_preference",
            ]);
            assert_eq!((&changed["success"], &changed["theme_preference"]), (&json!(true), &json!("dark")));
        }
        let rest = json!({"knowledgetree_view_preference": "list", "preferred_color_theme": "bee",
            "home_page_preference": "helm"});
        put(&app, "client", MINE, &rest).await?;
        app.run_syncs(&["/sync/agents"]).await?;
        let mine: Value = app.get_as("client", MINE)?.send().await?.json().await?;
        assert_eq!((&mine["theme_preference"], &mine["knowledgetree_view_preference"]), (&json!("dark"), &json!("list")));
        assert_eq!((&mine["preferred_color_theme"], &mine["home_page_preference"]), (&json!("bee"), &json!("helm")));
        let other: Value = app.get_as("billing", MINE)?.send().await?.json().await?;
        assert_eq!(other["preferred_color_theme"], "purple", "nobody else's changed");
        Ok(())
    }

    /// Services have no settings: 403.
    async fn invalid_settings_are_400_and_unknown_users_404(app: TestApp) -> TestResult {
        let (status, nobody) = put(&app, "client", MINE, &json!({"theme_preference": "dark"})).await?;
        assert_eq!(status, 404);
        assert!(nobody["error"].as_str().unwrap().contains("Agent not found"), "Nexus looks for it: {nobody}");
        let unknown: Value = app.get_as("client", MINE)?.send().await?.json().await?;
        assert_eq!(unknown, json!({"theme_preference": "light", "knowledgetree_view_preference": "grid",
            "preferred_color_theme": "purple", "home_page_preference": "beacon", "synced": false}));
        app.run_syncs(&["/sync/agents"]).await?;
        for body in [
            json!({}), json!({"theme_preference": "blue"}), json!({"preferred_color_theme": null}),
            json!({"knowledgetree_view_preference": ["grid"]}), json!({"theme_preference": "dark", "home_page_preference": "x"}),
        ] {
            let (status, refused) = put(&app, "client", MINE, &body).await?;
            assert_eq!((status, refused["error"].is_string()), (400, true), "{body}: {refused}");
        }
        let absent = app.call_as("client", Method::PUT, MINE)?.send().await?;
        assert_eq!(absent.status(), 400);
        assert!(absent.json::<Value>().await?["error"].is_string());
        let mine: Value = app.get_as("client", MINE)?.send().await?.json().await?;
        assert_eq!(mine["theme_preference"], "light", "a half of a bad change is no change");

        let service = app.core.key.service("nexus", "codex")?;
        for method in [Method::GET, Method::PUT] {
            let answer = app.call(method, MINE).bearer_auth(&service).json(&json!({"theme_preference": "dark"}));
            let answer = answer.send().await?;
            assert_eq!(answer.status(), 403);
            assert!(answer.json::<Value>().await?["error"].is_string());
        }
        Ok(())
    }

    async fn user_without_email_is_found_by_the_token_subject(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let mut claims = user_claims("technician", "x");
        claims.as_object_mut().unwrap().remove("email");
        let get = async |claims: &Value| -> anyhow::Result<(u16, Value)> {
            let token = app.core.key.sign(claims)?;
            let answer = app.call(Method::GET, MINE).bearer_auth(token).send().await?;
            Ok((answer.status().as_u16(), answer.json().await?))
        };
        let (status, refused) = get(&claims).await?;
        assert_eq!((status, refused["error"].is_string()), (400, true));
        claims["sub"] = json!(user_id(4));
        let (status, mine) = get(&claims).await?;
        assert_eq!((status, &mine["username"], &mine["email"]), (200, &json!("kiosk4"), &json!("")));
        Ok(())
    }

    async fn administrators_set_only_themes_of_others(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let all = json!({"theme_preference": "dark", "preferred_color_theme": "matrix",
            "home_page_preference": "helm", "knowledgetree_view_preference": "tree"});
        let (status, changed) = put(&app, "admin", &settings_of(4), &all).await?;
        assert_eq!((status, keys(&changed)), (200, vec!["agent", "message", "success"]));
        assert_eq!(changed["agent"]["theme_preference"], "dark");
        assert_eq!(changed["agent"]["preferred_color_theme"], "matrix");
        assert_eq!(changed["agent"]["home_page_preference"], "beacon");
        assert_eq!(changed["agent"], app.json(&format!("/api/agents/{}", user_id(4))).await?);
        for (path, body, wanted) in [
            (settings_of(99), json!({}), 404), (settings_of(4), json!({}), 400),
            (settings_of(4), json!({"theme_preference": "x"}), 400),
        ] {
            let (status, refused) = put(&app, "admin", &path, &body).await?;
            assert_eq!((status, refused["error"].is_string()), (wanted, true), "{path} {body}");
        }
        let logged = app.codex.db()
            .query("select count(*) from change_log where kind = 'agent' and actor = 'kc-admin@msp.example'")
            .scalar::<i64>().await?;
        assert_eq!(logged, Some(1));
        Ok(())
    }

    async fn nexus_and_core_read_themes_and_home_pages_by_email(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let chosen = json!({"theme_preference": "dark", "preferred_color_theme": "gold", "home_page_preference": "ledger"});
        put(&app, "billing", MINE, &chosen).await?;
        let ask = async |query: &str| -> anyhow::Result<[Value; 2]> {
            let theme = app.get_as("client", &format!("/api/public/user/theme{query}"))?.send().await?;
            let page = app.get_as("client", &format!("/api/public/user/home-page{query}"))?.send().await?;
            Ok([theme.error_for_status()?.json().await?, page.error_for_status()?.json().await?])
        };
        let email = "billing@msp.example";
        assert_eq!(ask("?email=Billing@MSP.example").await?, [
            json!({"theme": "dark", "color_theme": "gold", "source": "codex", "email": email}),
            json!({"home_page": "ledger", "source": "codex", "email": email}),
        ]);
        for nobody in ["", "?email=", "?email=nobody@msp.example"] {
            assert_eq!(ask(nobody).await?, [
                json!({"theme": "light", "color_theme": "purple", "source": "default"}),
                json!({"home_page": "beacon", "source": "default"}),
            ], "{nobody}");
        }
        let nexus = Client::new(&app.url(), TokenSource::core(app.core.url(), "nexus")?)?;
        assert_eq!(nexus.agents().theme(email).await?.color_theme, "gold");
        assert_eq!(nexus.agents().home_page("x").await?.source, "default");
        assert_eq!(app.call(Method::GET, "/api/public/user/theme").send().await?.status(), 401);
        Ok(())
    }

    async fn client_syncs_agents_and_changes_settings(app: TestApp) -> TestResult {
        let helm = Client::new(&app.url(), TokenSource::core(app.core.url(), "helm")?)?;
        let synced = helm.agents().sync().await?;
        assert_eq!((synced.created, synced.total_keycloak_users, synced.errors.len()), (12, 12, 0));
        let started = helm.sync().start(SyncKind::Agents).await?;
        helm.sync().wait(&started.job_id, std::time::Duration::from_secs(30)).await?;
        let agents = helm.agents().list().await?;
        assert_eq!(agents.len(), 12);
        let dark = SettingsIn { theme_preference: Some("dark".into()), ..SettingsIn::default() };
        let changed = helm.agents().update_settings(&agents[0].keycloak_id, &dark).await?;
        assert_eq!(changed.theme_preference, "dark");
        assert_eq!(helm.agents().get(&agents[0].keycloak_id).await?, changed);
        assert_eq!(helm.my_settings().get().await.unwrap_err().status(), Some(403));

        let token = app.core.key.user("client", "client@msp.example")?;
        let person = Client::new(&app.url(), TokenSource::fixed(token))?;
        assert!(person.my_settings().get().await?.synced);
        let changed = person.my_settings().update(&dark).await?;
        assert_eq!(changed.settings.theme_preference, "dark");
        assert_eq!(person.my_settings().get().await?.settings, changed.settings);
        assert_eq!(person.agents().list().await.unwrap_err().status(), Some(403));
        Ok(())
    }

    async fn agent_is_created_from_a_keycloak_user(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let known = app.json("/api/agents").await?["agents"].as_array().unwrap().clone();
        let post = async |body: Value| -> anyhow::Result<(u16, Value)> {
            let answer = app.call_as("admin", Method::POST, "/api/agents")?.json(&body).send().await?;
            Ok((answer.status().as_u16(), answer.json().await?))
        };
        // A user that Keycloak got after the last sync.
        let id = "00000000-0000-4000-8000-00000000abcd";
        app.world.lock().users.push(json!({"id": id, "username": "new.one", "enabled": true, "email": "new.one@msp.example"}));
        let body = json!({"keycloak_id": id, "username": "new.one", "email": "new.one@msp.example", "theme_preference": "dark"});
        let (status, made) = post(body.clone()).await?;
        assert_eq!((status, &made["verified"]), (201, &json!(true)), "{made}");
        assert_eq!(made["agent"]["theme_preference"], "dark");
        assert_eq!(post(body).await?.0, 409);
        let (status, refused) = post(json!({"keycloak_id": "nobody", "username": "x"})).await?;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/keycloak_id")));
        let taken = known[0]["username"].as_str().unwrap().to_uppercase();
        assert_eq!(post(json!({"keycloak_id": "other", "username": taken})).await?.0, 409);
        let (status, refused) = post(json!({"username": " ", "theme_preference": "mauve"})).await?;
        assert_eq!((status, refused["errors"].as_array().unwrap().len()), (422, 3), "{refused}");
        // It is the agent of that user, not one more.
        app.run_syncs(&["/sync/agents"]).await?;
        let agents = app.json("/api/agents").await?;
        assert_eq!(agents["total"], known.len() + 1);
        assert_eq!(app.json(&format!("/api/agents/{id}")).await?["theme_preference"], "dark");

        let put = async |body: Value| -> anyhow::Result<u16> {
            let path = format!("/api/agents/{id}");
            Ok(app.call_as("admin", Method::PUT, &path)?.json(&body).send().await?.status().as_u16())
        };
        assert_eq!(put(json!({"keycloak_id": "x"})).await?, 422);
        assert_eq!(put(json!({"username": known[0]["username"]})).await?, 409);
        assert_eq!(put(json!({"first_name": "Ada"})).await?, 200);
        assert_eq!(app.json(&format!("/api/agents/{id}")).await?["first_name"], "Ada");
        // A Keycloak that cannot be asked leaves the question open.
        app.keycloak.faults().add("/admin/realms/hivematrix/users", When::Always, FaultKind::Status(500));
        let (status, made) = post(json!({"keycloak_id": "later", "username": "later"})).await?;
        assert_eq!((status, &made["verified"]), (201, &json!(false)), "{made}");
        Ok(())
    }

    async fn unverified_agent_missing_in_keycloak_is_disabled(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let user = |id: &str| json!({"id": id, "username": id, "enabled": true, "email": format!("{id}@msp.example")});
        app.world.lock().users.push(user("there"));
        let list = "/admin/realms/hivematrix/users";
        app.keycloak.faults().add(list, When::Always, FaultKind::Status(500));
        for id in ["there", "nowhere"] {
            let body = json!({"keycloak_id": id, "username": id, "theme_preference": "dark"});
            let made = app.call_as("admin", Method::POST, "/api/agents")?.json(&body).send().await?;
            assert_eq!((made.status().as_u16(), &made.json::<Value>().await?["verified"]), (201, &json!(false)));
        }
        app.keycloak.faults().clear();
        let enabled = async |id: &str| anyhow::Ok(app.json(&format!("/api/agents/{id}")).await?["enabled"].clone());
        // A list that is not whole proves nothing.
        app.keycloak.faults().add(list, When::Always, FaultKind::NullItem);
        app.run_syncs(&["/sync/agents"]).await?;
        assert_eq!((enabled("there").await?, enabled("nowhere").await?), (json!(true), json!(true)));
        app.keycloak.faults().clear();
        app.run_syncs(&["/sync/agents"]).await?;
        assert_eq!((enabled("there").await?, enabled("nowhere").await?), (json!(true), json!(false)));
        let job = app.json("/sync/last/keycloak_agents").await?;
        let output = job["output"].as_str().unwrap();
        assert!(output.contains("`nowhere` is not in Keycloak") && !output.contains("`there`"), "{output}");
        app.run_syncs(&["/sync/agents"]).await?;
        let job = app.json("/sync/last/keycloak_agents").await?;
        assert!(!job["output"].as_str().unwrap().contains("nowhere"), "reported once: {job}");
        // Who turns up after all is the same agent.
        app.world.lock().users.push(user("nowhere"));
        app.run_syncs(&["/sync/agents"]).await?;
        let agent = app.json("/api/agents/nowhere").await?;
        assert_eq!((&agent["enabled"], &agent["theme_preference"]), (&json!(true), &json!("dark")));
        Ok(())
    }

    async fn concurrent_creates_make_one_agent_per_name(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let known = app.json("/api/agents").await?["total"].as_u64().unwrap();
        for n in 0..5 {
            let post = |place: usize| {
                let id = format!("id-{n}-{place}");
                app.world.lock().users.push(json!({"id": id, "username": id, "enabled": true}));
                let body = json!({"keycloak_id": id, "username": format!("same-{n}")});
                anyhow::Ok(app.call_as("admin", Method::POST, "/api/agents")?.json(&body).send())
            };
            let (one, other) = tokio::join!(post(1)?, post(2)?);
            let mut statuses = [one?.status().as_u16(), other?.status().as_u16()];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409]);
        }
        assert_eq!(app.json("/api/agents").await?["total"], known + 5);
        // Nor of one address.
        app.world.lock().users.push(json!({"id": "mail", "username": "mail", "enabled": true}));
        let body = json!({"keycloak_id": "mail", "username": "mail", "email": "Technician@MSP.example"});
        let refused = app.call_as("admin", Method::POST, "/api/agents")?.json(&body).send().await?;
        assert_eq!(refused.status(), 409);
        assert!(refused.text().await?.contains("has this e-mail address already"));
        let other = app.json(&format!("/api/agents/{}", user_id(2))).await?;
        let path = format!("/api/agents/{}", user_id(1));
        let put = app.call_as("admin", Method::PUT, &path)?.json(&json!({"email": other["email"]})).send().await?;
        assert_eq!(put.status(), 409);
        Ok(())
    }
}

on_sqlite! {
    async fn agents_are_for_administrators_and_services(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let one = format!("/api/agents/{}", user_id(1));
        for level in ["client", "technician", "billing"] {
            for (method, path) in [
                (Method::GET, "/api/agents"), (Method::GET, &one), (Method::PUT, &settings_of(1)),
                (Method::POST, "/api/agents/sync"), (Method::POST, "/sync/agents"),
            ] {
                let answer = app.call_as(level, method.clone(), path)?.json(&json!({"theme_preference": "dark"}));
                assert_eq!(answer.send().await?.status(), 403, "{level} {method} {path}");
            }
        }
        let service = app.core.key.service("nexus", "codex")?;
        assert_eq!(app.call(Method::GET, &one).bearer_auth(service).send().await?.status(), 200);
        assert_eq!(app.call(Method::GET, "/api/agents").send().await?.status(), 401);
        assert_eq!(app.call(Method::GET, MINE).send().await?.status(), 401);
        let missing = app.get("/api/agents/none")?.send().await?;
        assert_eq!(missing.status(), 404);
        assert_eq!(missing.json::<Value>().await?["error"], "Agent not found");
        Ok(())
    }
}
