//! Changes that are bound to a record as it was read: what is a change of it and what is not. That each operation
//! can be bound is for `every_route`.

use codex_client::{
    AgentIn, Client, LocationIn, OverrideIn, OverrideValue, SettingsIn, TokenSource,
};
use codex_tests::{harness::app::TestApp, on_each_engine, on_sqlite, sim::world::user_id};
use reqwest::Method;
use serde_json::{Value, json};

async fn tag(app: &TestApp, path: &str) -> anyhow::Result<String> {
    let answer = app.get(path)?.send().await?.error_for_status()?;
    Ok(answer.headers()["etag"].to_str()?.to_owned())
}

async fn put(app: &TestApp, path: &str, tag: &str, body: &Value) -> anyhow::Result<u16> {
    let call = app.call_as("admin", Method::PUT, path)?.json(body);
    Ok(call.header("if-match", tag).send().await?.status().as_u16())
}

on_each_engine! {
    async fn volatile_changes_keep_the_tag(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa", "/sync/datto", "/sync/agents"]).await?;
        let assets = app.json("/api/companies/100001/assets").await?;
        let online = assets.as_array().unwrap().iter().find(|asset| asset["online"] == true).unwrap();
        let dark = json!({"theme_preference": "dark"});
        let (asset, agent) = (format!("/api/assets/{}", online["id"]), format!("/api/agents/{}", user_id(1)));
        let settings = format!("{agent}/settings");
        let mine = "/api/my/settings";
        let bodies = [
            (asset.as_str(), json!({"description": "A"})), (&agent, json!({"first_name": "A"})), (&settings, dark.clone()),
            (mine, dark),
        ];
        let mut read = Vec::new();
        for (path, _) in &bodies {
            read.push(tag(&app, path).await?);
        }
        app.world.lock().tick(chrono::TimeDelta::hours(1));
        app.run_syncs(&["/sync/datto", "/sync/agents"]).await?;
        // The answers are others, the records are not.
        assert_ne!(tag(&app, &asset).await?, read[0]);
        assert_ne!(tag(&app, &agent).await?, read[1]);
        assert_eq!(put(&app, &asset, &read[0], &bodies[0].1).await?, 200);
        assert_eq!(put(&app, &agent, &read[1], &bodies[1].1).await?, 200);
        assert_eq!(put(&app, mine, &read[3], &bodies[3].1).await?, 200);

        let read = tag(&app, &settings).await?;
        app.world.lock().user_mut(&user_id(1)).unwrap()["lastName"] = json!("Other");
        app.run_syncs(&["/sync/agents"]).await?;
        assert_eq!(put(&app, &settings, &read, &bodies[2].1).await?, 412, "Keycloak has changed the agent");
        Ok(())
    }

    async fn changed_links_change_the_tag(app: TestApp) -> TestResult {
        let make = async |path: &str, body: Value| -> anyhow::Result<Value> {
            let made = app.call_as("admin", Method::POST, path)?.json(&body).send().await?;
            Ok(made.error_for_status()?.json().await?)
        };
        let company = make("/api/companies", json!({"name": "Acme"})).await?["account_number"].clone();
        let contact = make("/api/contacts", json!({"name": "Ann"})).await?["id"].clone();
        let asset = make("/api/assets", json!({"hostname": "pc"})).await?["id"].clone();
        let (ann, pc) = (format!("/api/contacts/{contact}"), format!("/api/assets/{asset}"));
        for (path, body) in [
            (&ann, json!({"company_account_numbers": [company]})),
            (&pc, json!({"company_account_number": company})),
            (&ann, json!({"asset_ids": [asset]})),
            (&pc, json!({"contact_ids": []})),
        ] {
            let read = tag(&app, path).await?;
            assert_eq!(put(&app, path, &read, &body).await?, 200, "{path} {body}");
            assert_eq!(put(&app, path, &read, &body).await?, 412, "{path} {body}");
        }
        Ok(())
    }

    /// A second change needs no GET in between.
    async fn update_answer_has_the_next_tag(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa", "/sync/agents"]).await?;
        let place = app.json("/api/companies/100001/locations").await?[0]["id"].clone();
        let contact = app.json("/api/contacts?limit=1").await?[0]["id"].clone();
        let made = app.call_as("admin", Method::POST, "/api/assets")?.json(&json!({"hostname": "pc"})).send().await?;
        let asset = made.json::<Value>().await?["id"].clone();
        for (path, body) in [
            ("/api/companies/100001".to_owned(), json!({"address": "A"})),
            (format!("/api/companies/100001/locations/{place}"), json!({"address": "A"})),
            ("/api/companies/100001/overrides/soc".to_owned(), json!({"value": "A"})),
            (format!("/api/contacts/{contact}"), json!({"job_title": "A"})),
            (format!("/api/assets/{asset}"), json!({"description": "A"})),
            (format!("/api/agents/{}", user_id(1)), json!({"first_name": "A"})),
        ] {
            let changed = app.call_as("admin", Method::PUT, &path)?.json(&body).send().await?.error_for_status()?;
            let now = changed.headers()["etag"].to_str()?.to_owned();
            assert_eq!(now, tag(&app, &path).await?, "{path}");
            // A dry run, too, is of the record as it was seen.
            assert_eq!(put(&app, &format!("{path}?dry_run=true"), &now, &body).await?, 202, "{path}");
            assert_eq!(put(&app, &path, &now, &body).await?, 200, "{path}");
        }
        Ok(())
    }

    async fn no_tag_matches_an_absent_record(app: TestApp) -> TestResult {
        let made = app.call_as("admin", Method::POST, "/api/companies")?.json(&json!({"name": "Acme"})).send().await?;
        let company = made.json::<Value>().await?["account_number"].as_str().unwrap().to_owned();
        let agreed = format!("/api/companies/{company}/overrides/soc");
        // The call would make it: nothing but the precondition is against it (RFC 9110, section 13.1.1).
        for tag in ["*", "\"x\""] {
            assert_eq!(put(&app, &agreed, tag, &json!({"value": "Huntress"})).await?, 412, "{tag}");
        }
        assert_eq!(app.get(&agreed)?.send().await?.status(), 404, "nothing was agreed");
        // Settings of somebody whom Codex does not know can be read, but there is no record: the call is refused for
        // that, with a precondition or without.
        let mine = "/api/my/settings";
        for tag in ["*".to_owned(), tag(&app, mine).await?] {
            assert_eq!(put(&app, mine, &tag, &json!({"theme_preference": "dark"})).await?, 404, "{tag}");
        }
        Ok(())
    }

    async fn client_binds_updates_to_every_read(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa", "/sync/agents"]).await?;
        let client = Client::new(&app.url(), TokenSource::fixed(app.core.key.user("admin", "admin@msp.example")?))?;
        let (company, agent) = ("100001", user_id(1));
        let place = client.companies().locations(company).await?.remove(0).id;
        let agreed = |value: &str| OverrideIn { value: Some(OverrideValue::Text(value.into())), enabled: None };
        client.billing().set_override(company, "soc", &agreed("A")).await?;
        macro_rules! bound {
            ($read:expr, $edit:expr) => {
                let read = $read.tagged().await?;
                $edit.if_match(&read.etag).await?;
                assert_eq!($edit.if_match(&read.etag).await.unwrap_err().status(), Some(412));
            };
        }
        let address = LocationIn { address: "Street 2".into(), ..LocationIn::default() };
        let settings = |theme: &str| SettingsIn { theme_preference: Some(theme.into()), ..SettingsIn::default() };
        let (dark, light) = (settings("dark"), settings("light"));
        let name = AgentIn { first_name: "Ann".into(), ..AgentIn::default() };
        bound!(client.companies().location(company, place), client.companies().update_location(company, place, &address));
        bound!(client.billing().get_override(company, "soc"), client.billing().set_override(company, "soc", &agreed("B")));
        bound!(client.agents().get(&agent), client.agents().update(&agent, &name));
        bound!(client.agents().settings(&agent), client.agents().update_settings(&agent, &dark));
        bound!(client.my_settings().get(), client.my_settings().update(&dark));
        assert_eq!(client.agents().settings(&agent).await?.settings.theme_preference, "dark");
        client.my_settings().update(&light).await?;
        let gone = client.companies().location(company, place).tagged().await?;
        client.companies().delete_location(company, place).if_match(&gone.etag).await?;
        Ok(())
    }
}

on_sqlite! {
    async fn head_has_the_headers_of_get(app: TestApp) -> TestResult {
        app.sync().await?;
        for path in ["/api/companies", "/api/companies/100001", "/api/contacts?limit=2"] {
            let read = app.get(path)?.send().await?;
            let head = app.call_as("admin", Method::HEAD, path)?.send().await?;
            assert_eq!(head.status(), 200, "{path}");
            for name in ["etag", "content-type", "link"] {
                assert_eq!(head.headers().get(name), read.headers().get(name), "{path} {name}");
            }
            let asked = app.call_as("admin", Method::HEAD, path)?.header("if-none-match", &read.headers()["etag"]);
            assert_eq!(asked.send().await?.status(), 304, "{path}");
            assert_eq!(head.headers()["content-length"].to_str()?.parse::<usize>()?, read.bytes().await?.len(), "{path}");
            assert!(head.bytes().await?.is_empty(), "{path}");
        }
        Ok(())
    }
}
