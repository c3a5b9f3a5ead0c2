//! Records that people create, update, delete and restore.

mod dry_runs;
mod exports;
mod matches;

use codex_client::{AssetIn, CompanyIn, ContactIn, ListOptions, LocationIn, Patch};
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine,
};
use reqwest::Method;
use serde_json::{Value, json};

fn named(name: &str) -> CompanyIn {
    CompanyIn {
        name: name.into(),
        ..CompanyIn::default()
    }
}

on_each_engine! {
    async fn company_gets_a_free_number_or_the_stated_one(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let companies = client.companies();
        let upstream = app.world.lock().departments.len();
        let made = companies.create(&named("New GmbH")).await?;
        assert_eq!(made.account_number.len(), 6);
        assert_eq!(companies.get(&made.account_number).await?, made);
        let wanted = CompanyIn { account_number: "654321".into(), ..named("Other GmbH") };
        assert_eq!(companies.create(&wanted).await?.account_number, "654321");
        let taken = companies.create(&wanted).await.unwrap_err();
        assert_eq!(taken.status(), Some(409));
        assert!(taken.to_string().contains("654321 belongs to company `Other GmbH`"), "{taken}");
        assert!(companies.list().await?.contains(&made));
        assert_eq!(app.world.lock().departments.len(), upstream, "nothing is written to the vendor");
        Ok(())
    }

    async fn all_faults_of_a_body_are_reported_at_once(app: TestApp) -> TestResult {
        let body = json!({"account_number": "12", "compliance_level": "x", "domains": 7, "id": 1, "address": 5});
        let answer = app.call_as("admin", Method::POST, "/api/companies")?.json(&body).send().await?;
        assert_eq!(answer.status(), 422);
        let answer: Value = answer.json().await?;
        let mut at: Vec<&str> = answer["errors"].as_array().unwrap().iter()
            .filter_map(|fault| fault["pointer"].as_str()).collect();
        at.sort_unstable();
        assert_eq!(at, ["/account_number", "/address", "/compliance_level", "/domains", "/id", "/name"]);
        assert_eq!(app.json("/api/companies").await?, json!([]));
        Ok(())
    }

    async fn deleted_record_stays_deleted_until_restored(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let (account, other) = ("100001", ListOptions::default());
        let before = client.companies().get(account).await?;
        let contact = client.companies().contacts(account).await?.remove(0);
        let asset = client.companies().assets(account).await?.remove(0);
        client.contacts().delete(contact.id).await?;
        client.assets().delete(asset.id).await?;
        assert_eq!(client.contacts().delete(contact.id).await.unwrap_err().status(), Some(404));
        assert_eq!(client.contacts().get(contact.id).await.unwrap_err().status(), Some(404));
        client.companies().delete(account).await?;
        assert_eq!(client.companies().delete(account).await.unwrap_err().status(), Some(404));
        // Theirs goes on changing, ours stays as it was.
        app.world.lock().departments[1]["description"] = json!("Changed there");
        app.sync().await?;
        assert_eq!(client.companies().get(account).await.unwrap_err().status(), Some(404));
        assert!(!client.contacts().all(&other).await?.iter().any(|one| one.id == contact.id));
        assert!(!client.assets().all(&other).await?.iter().any(|one| one.id == asset.id));
        let deleted = client.deleted().list("company", &other).await?.items;
        assert_eq!(deleted.len(), 1);
        assert_eq!(deleted[0].name.as_deref(), Some(before.name.as_str()));
        assert!(deleted[0].deleted_by.is_some());

        client.deleted().restore("company", deleted[0].id).await?;
        client.deleted().restore("contact", contact.id).await?;
        client.deleted().restore("asset", asset.id).await?;
        let after = client.companies().get(account).await?;
        assert_eq!(after.name, before.name);
        assert_eq!(after.description.as_deref(), Some("Changed there"));
        assert_eq!(client.contacts().get(contact.id).await?, contact);
        assert_eq!(client.deleted().list("company", &other).await?.items, []);
        let twice = client.deleted().restore("company", deleted[0].id).await.unwrap_err();
        assert_eq!(twice.status(), Some(404));
        assert_eq!(client.deleted().list("planet", &other).await.unwrap_err().status(), Some(400));
        Ok(())
    }

    /// With the user who deleted them.
    async fn deleted_records_are_listed_newest_first(app: TestApp) -> TestResult {
        app.sync().await?;
        let (technician, admin) = (client(&app, "technician")?, client(&app, "admin")?);
        let all = technician.contacts().all(&ListOptions::default()).await?;
        let mut ids: Vec<i64> = all.iter().take(3).map(|contact| contact.id).collect();
        ids.sort_unstable();
        let in_order = [ids[1], ids[2], ids[0]];
        for (id, client) in in_order.iter().zip([&technician, &admin, &technician]) {
            client.contacts().delete(*id).await?;
        }
        let two = ListOptions { limit: Some(2), ..ListOptions::default() };
        let first = technician.deleted().list("contact", &two).await?;
        let next = ListOptions { cursor: first.next.clone(), ..two };
        let rest = technician.deleted().list("contact", &next).await?;
        let deleted: Vec<_> = first.items.iter().chain(&rest.items).collect();
        assert_eq!(deleted.iter().map(|one| one.id).collect::<Vec<_>>(), [ids[0], ids[2], ids[1]]);
        assert!(deleted.is_sorted_by(|one, next| one.deleted_at >= next.deleted_at));
        let by: Vec<_> = deleted.iter().map(|one| one.deleted_by.as_deref().unwrap_or_default()).collect();
        assert_eq!(by, ["kc-technician@msp.example", "kc-admin@msp.example", "kc-technician@msp.example"]);
        let foreign = app.get("/api/deleted/contact?cursor=313a78")?.send().await?;
        assert_eq!(foreign.status(), 400);
        Ok(())
    }

    async fn read_records_can_be_sent_back_unchanged(app: TestApp) -> TestResult {
        app.sync().await?;
        // Two who share an address.
        {
            let mut world = app.world.lock();
            let email = world.users[0]["email"].clone();
            world.users[1]["email"] = email;
        }
        app.run_syncs(&["/sync/agents"]).await?;
        let agent = app.world.lock().users[0]["id"].clone();
        let agent = format!("/api/agents/{}", agent.as_str().unwrap());
        let put = async |path: &str, body: &Value| -> anyhow::Result<u16> {
            Ok(app.call_as("admin", Method::PUT, path)?.json(body).send().await?.status().as_u16())
        };
        for (path, key) in [("/api/companies/100001", "account_number"), (agent.as_str(), "keycloak_id")] {
            let read = app.json(path).await?;
            assert_eq!(put(path, &read).await?, 200, "{path}");
            assert_eq!(put(path, &json!({key: read[key]})).await?, 200, "{path}");
            let mut other = read.clone();
            other[key] = json!("other");
            assert_eq!(put(path, &other).await?, 422, "{path}");
            assert_eq!(app.json(path).await?[key], read[key]);
        }
        for (key, value) in [("enabled", json!(false)), ("created_at", json!("2020-01-01T00:00:00.000000+00:00"))] {
            assert_eq!(put(&agent, &json!({key: value})).await?, 422, "{key}");
        }
        Ok(())
    }

    async fn contacts_and_assets_link_companies_and_each_other(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let numbers: Vec<String> = client.companies().list().await?.into_iter()
            .map(|company| company.account_number).collect();
        let own = client.companies().contacts(&numbers[0]).await?.remove(0);
        // From one company to another: a person removes the sync's link.
        let moved = ContactIn {
            company_account_numbers: vec![numbers[1].clone()].into(), ..ContactIn::default()
        };
        client.contacts().update(own.id, &moved).await?;
        app.sync().await?;
        let of = async |number: &String| -> anyhow::Result<Vec<i64>> {
            Ok(client.companies().contacts(number).await?.iter().map(|contact| contact.id).collect())
        };
        assert!(!of(&numbers[0]).await?.contains(&own.id));
        assert!(of(&numbers[1]).await?.contains(&own.id));
        let unknown = ContactIn {
            company_account_numbers: vec!["000000".to_owned()].into(), ..ContactIn::default()
        };
        let error = client.contacts().update(own.id, &unknown).await.unwrap_err();
        assert_eq!(error.status(), Some(400));
        assert!(error.to_string().contains("there is no company 000000"), "{error}");

        let asset = AssetIn {
            hostname: "new".into(),
            company_account_number: numbers[0].clone().into(),
            contact_ids: vec![own.id].into(),
            ..AssetIn::default()
        };
        let asset = client.assets().create(&asset).await?;
        let of_company = client.companies().assets(&numbers[0]).await?;
        assert!(of_company.iter().any(|one| one.id == asset.id));
        let none = AssetIn { company_account_number: Patch::Null, ..AssetIn::default() };
        client.assets().update(asset.id, &none).await?;
        let of_company = client.companies().assets(&numbers[0]).await?;
        assert!(!of_company.iter().any(|one| one.id == asset.id));
        Ok(())
    }

    async fn locations_are_created_updated_and_deleted(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let (companies, account) = (client.companies(), "100001");
        let before = companies.locations(account).await?;
        let branch = LocationIn {
            name: "Branch".into(), address: "Street 1".into(), ..LocationIn::default()
        };
        let made = companies.create_location(account, &branch).await?;
        let edit = LocationIn { address: Patch::Null, ..LocationIn::default() };
        assert_eq!(companies.update_location(account, made.id, &edit).await?.address, None);
        let foreign = companies.update_location("100002", made.id, &edit).await.unwrap_err();
        assert_eq!(foreign.status(), Some(404));
        app.sync().await?;
        assert_eq!(companies.locations(account).await?.len(), before.len() + 1);
        companies.delete_location(account, made.id).await?;
        companies.delete_location(account, before[0].id).await?;
        app.sync().await?;
        assert_eq!(companies.locations(account).await?.len(), before.len() - 1);
        Ok(())
    }

    async fn plan_is_restored_by_billing_roles(app: TestApp) -> TestResult {
        let billing = client(&app, "billing")?;
        let plan = codex_client::BillingPlanIn {
            plan_name: "Gold".into(), term_length: "1 Year".into(), ..Default::default()
        };
        let id = billing.billing().create_plan(&plan).await?;
        billing.billing().delete_plan(id).await?;
        let none = ListOptions::default();
        let technician = client(&app, "technician")?;
        assert_eq!(technician.deleted().list("billing_plan", &none).await.unwrap_err().status(), Some(403));
        assert_eq!(technician.deleted().restore("billing_plan", id).await.unwrap_err().status(), Some(403));
        assert_eq!(billing.deleted().restore("contact", 1).await.unwrap_err().status(), Some(403));
        let other = billing.billing().create_plan(&plan).await?;
        let taken = billing.deleted().restore("billing_plan", id).await.unwrap_err();
        assert_eq!(taken.status(), Some(409));
        assert!(taken.to_string().contains(&format!("billing_plan {other} has taken")), "{taken}");
        billing.billing().delete_plan(other).await?;
        billing.deleted().restore("billing_plan", id).await?;
        assert_eq!(billing.billing().plan(id).await?.plan_name, "Gold");
        Ok(())
    }

    async fn lists_of_a_company_exclude_foreign_and_deleted_records(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let account = "100001";
        let ids = async |path: &str| -> anyhow::Result<Vec<i64>> {
            let list = app.json(path).await?;
            let mut ids: Vec<i64> = list.as_array().unwrap().iter().filter_map(|one| one["id"].as_i64()).collect();
            ids.sort_unstable();
            Ok(ids)
        };
        for kind in ["contacts", "assets"] {
            let own = ids(&format!("/api/companies/{account}/{kind}")).await?;
            assert!(own.len() > 1, "{kind}");
            assert_eq!(ids(&format!("/api/{kind}?company_id={account}")).await?, own, "{kind}");
            assert!(own.len() < ids(&format!("/api/{kind}")).await?.len(), "{kind}");
            match kind {
                "contacts" => client.contacts().delete(own[0]).await?,
                _ => client.assets().delete(own[0]).await?,
            }
            for path in [format!("/api/companies/{account}/{kind}"), format!("/api/{kind}?company_id={account}")] {
                assert_eq!(ids(&path).await?, own[1..], "{path}");
            }
        }
        let users = ids(&format!("/api/companies/{account}/users")).await?;
        assert_eq!(users, ids(&format!("/api/companies/{account}/contacts")).await?);
        assert_eq!(client.companies().get(account).await?.account_number, account);
        Ok(())
    }
}
