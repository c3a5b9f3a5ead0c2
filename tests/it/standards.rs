//! What HTTP and OpenAPI ask of every service.

use std::collections::BTreeSet;

use codex_daemon::openapi;
use codex_tests::{
    harness::{TestResult, app::TestApp},
    on_each_engine, on_sqlite,
};
use reqwest::Method;
use serde_json::{Value, json};

on_each_engine! {
    async fn created_record_is_at_its_location(app: TestApp) -> TestResult {
        for (list, body, name) in [
            ("/api/companies", json!({"name": "New"}), "name"),
            ("/api/contacts", json!({"name": "New"}), "name"),
            ("/api/assets", json!({"hostname": "New"}), "hostname"),
            ("/api/billing-plans", json!({"plan_name": "New", "term_length": "1 Year"}), "plan_name"),
            ("/api/tags", json!({"name": "New"}), "name"),
        ] {
            let call = app.call_as("admin", Method::POST, list)?.header("X-Forwarded-Prefix", "/codex");
            let answer = call.json(&body).send().await?;
            assert_eq!(answer.status(), 201, "{list}");
            let location = answer.headers()["location"].to_str()?.to_owned();
            let path = location.strip_prefix("/codex").unwrap_or_else(|| panic!("{location}"));
            assert_eq!(app.json(path).await?[name], "New", "{path}");
        }
        Ok(())
    }

    async fn search_hits_link_to_records_with_any_name(app: TestApp) -> TestResult {
        let agent = json!({"keycloak_id": "a/b c?d#1%", "username": "oddone", "email": "odd@msp.example"});
        let mut user = app.world.lock().users[0].clone();
        for (key, name) in [("id", "keycloak_id"), ("username", "username"), ("email", "email")] {
            user[key] = agent[name].clone();
        }
        app.world.lock().users.push(user);
        let answer = app.call_as("admin", Method::POST, "/api/agents")?.json(&agent).send().await?;
        assert_eq!(answer.status(), 201, "{}", answer.text().await?);
        let location = answer.headers()["location"].to_str()?.to_owned();
        let found = app.json("/api/search?q=oddone").await?;
        let path = found["results"][0]["path"].as_str().unwrap();
        assert_eq!(path, "/api/agents/a%2Fb%20c%3Fd%231%25");
        assert_eq!(path, location);
        assert_eq!(app.json(path).await?["username"], "oddone");
        Ok(())
    }

    async fn if_none_match_refuses_existing_records(app: TestApp) -> TestResult {
        app.sync().await?;
        let contact = app.json("/api/contacts").await?[0].clone();
        let path = format!("/api/contacts/{}", contact["id"]);
        let tag = app.get(&path)?.send().await?.headers()["etag"].to_str()?.to_owned();
        for none_match in ["*", tag.as_str(), &format!("\"x\", {tag}")] {
            let call = app.call_as("admin", Method::PUT, &path)?.header("If-None-Match", none_match);
            let answer = call.json(&json!({"name": "Other"})).send().await?;
            assert_eq!(answer.status(), 412, "{none_match}");
        }
        assert_eq!(app.json(&path).await?, contact);
        let other = app.call_as("admin", Method::PUT, &path)?.header("If-None-Match", "\"another\"");
        assert_eq!(other.json(&json!({"name": "Other"})).send().await?.status(), 200);
        // What a PUT makes is made where there is nothing.
        let path = "/api/companies/100001/overrides/soc";
        let mut put = Vec::new();
        for _ in 0..2 {
            let call = app.call_as("admin", Method::PUT, path)?.header("If-None-Match", "*");
            put.push(call.json(&json!({"value": "Other"})).send().await?.status().as_u16());
        }
        assert_eq!(put, [200, 412]);
        Ok(())
    }

    async fn list_without_limit_is_complete(app: TestApp) -> TestResult {
        app.sync().await?;
        for (list, name) in [("contacts", "name"), ("assets", "hostname")] {
            let row = |n: i32| if n % 3 == 0 {
                json!({name: format!("Made {n:04}")})
            } else {
                json!({name: format!("Made {n:04}"), "company_account_number": "100001"})
            };
            let rows: Vec<Value> = (0..620).map(|n| match (list, row(n)) {
                ("contacts", mut row) => {
                    let number = row.as_object_mut().unwrap().remove("company_account_number");
                    row["company_account_numbers"] = json!(number.into_iter().collect::<Vec<_>>());
                    row
                }
                (_, row) => row,
            }).collect();
            let made = app.call_as("admin", Method::POST, &format!("/api/{list}/bulk?mode=partial"))?.json(&rows).send().await?;
            assert_eq!(made.status(), 200, "{}", made.text().await?);
            for query in ["", "&company_id=100001", "&sort=-id&fields=id", "&company_account_number__isnull=true"] {
                let mut paged = Vec::new();
                let mut next = Some(format!("/api/{list}?limit=500{query}"));
                while let Some(path) = next.take() {
                    let answer = app.get(&path)?.send().await?.error_for_status()?;
                    let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
                    next = link.map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
                    paged.extend(answer.json::<Vec<Value>>().await?);
                }
                let answer = app.get(&format!("/api/{list}?{}", query.trim_start_matches('&')))?.send().await?.error_for_status()?;
                let total = answer.headers().get("x-total-count").map(|total| total.to_str().unwrap().to_owned());
                assert!(answer.headers().get("link").is_none(), "{list} {query}");
                let whole: Vec<Value> = answer.json().await?;
                assert!(whole.len() > 200 && whole == paged, "{list} {query}: {} {}", whole.len(), paged.len());
                assert_eq!(total.is_some(), whole.len() > 500, "{list} {query}");
                assert!(total.is_none_or(|total| total == whole.len().to_string()), "{list} {query}");
            }
            for bad in ["sort=colour", "fields=colour", "id=x", "company_id=nope"] {
                let answer = app.get(&format!("/api/{list}?{bad}"))?.send().await?;
                assert!(answer.status().is_client_error(), "{list} {bad}");
            }
        }
        Ok(())
    }
}

on_sqlite! {
    async fn root_links_to_every_entry_point(app: TestApp) -> TestResult {
        let answer = app.call(Method::GET, "/").header("X-Forwarded-Prefix", "/codex").send().await?;
        let body: Value = answer.error_for_status()?.json().await?;
        for (name, address) in body.as_object().unwrap() {
            let Some(path) = address.as_str().unwrap().strip_prefix("/codex") else {
                assert_eq!((name.as_str(), address), ("service", &json!("codex")));
                continue;
            };
            assert_ne!(app.get(path)?.send().await?.status(), 404, "{name}: {address}");
        }
        assert_eq!(body.as_object().unwrap().len(), 4);
        Ok(())
    }
}

fn spec() -> anyhow::Result<Value> {
    Ok(serde_json::to_value(openapi::public())?)
}

fn operations(spec: &Value) -> impl Iterator<Item = &Value> {
    let items = spec["paths"].as_object().into_iter().flatten();
    items.flat_map(|(_, item)| item.as_object().into_iter().flatten().map(|(_, one)| one))
}

#[test]
fn servers_and_tags_are_described() -> TestResult {
    let spec = spec()?;
    assert_eq!(spec["servers"][0]["url"], ".");
    let used: BTreeSet<&str> = operations(&spec)
        .flat_map(|one| one["tags"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    let tags = spec["tags"].as_array().unwrap().iter();
    let described: BTreeSet<&str> = tags
        .filter(|tag| {
            tag["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        })
        .filter_map(|tag| tag["name"].as_str())
        .collect();
    assert_eq!(used, described);
    Ok(())
}

/// The description stays small.
#[test]
fn every_comparison_is_a_described_parameter() -> TestResult {
    let spec = spec()?;
    let names = |path: &str| -> BTreeSet<String> {
        let parameters = spec["paths"][path]["get"]["parameters"]
            .as_array()
            .unwrap()
            .iter();
        parameters
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let assets = names("/api/assets");
    for name in [
        "hostname",
        "hostname__contains",
        "hostname__exact",
        "hostname__in",
        "id__gte",
        "online__isnull",
        "mac_address__startswith",
        "last_seen__lt",
        "company_account_number__in",
    ] {
        assert!(assets.contains(name), "{name}");
    }
    for name in [
        "online__contains",
        "online__lt",
        "id__startswith",
        "id__exact",
    ] {
        assert!(!assets.contains(name), "{name}");
    }
    let tickets = names("/api/tickets");
    assert!(tickets.contains("status__in") && tickets.contains("priority__ne"));
    assert!(names("/api/companies/{account_number}/users").contains("email__contains"));
    let size = serde_json::to_vec(&spec)?.len();
    assert!(size < 1_200_000, "{size} bytes");
    Ok(())
}

#[test]
fn partial_answers_have_no_required_members() -> TestResult {
    let spec = spec()?;
    for one in operations(&spec) {
        let parameters = one["parameters"].as_array().into_iter().flatten();
        if !parameters
            .into_iter()
            .any(|parameter| parameter["name"] == "fields")
        {
            continue;
        }
        let id = one["operationId"].as_str().unwrap();
        let either = &one["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"];
        let mut part = &either[1];
        let mut is_record = false;
        loop {
            if let Some(name) = part["$ref"].as_str() {
                part = &spec["components"]["schemas"][name.rsplit('/').next().unwrap()];
                let members = part["properties"].as_object().unwrap();
                // Lists of a record are its own: only what is no list yet may be a list in an envelope.
                let is_list =
                    |one: &&Value| one["type"] == "array" && one["items"]["$ref"].is_string();
                let list = members.values().find(is_list).filter(|_| !is_record);
                match list {
                    Some(list) => part = list,
                    None => break,
                }
            } else {
                part = &part["items"];
                is_record = true;
            }
        }
        assert!(part["required"].is_null(), "{id}: {part}");
        assert!(part["properties"].as_object().unwrap().len() > 5, "{id}");
        assert!(
            part["properties"]["company_id"].is_null()
                || ["get_ticket", "list_tickets"].contains(&id),
            "{id}"
        );
    }
    Ok(())
}
