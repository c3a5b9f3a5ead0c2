//! Records that people make, correct, delete and bring back.

use codex_client::{
    AssetIn, BulkTickets, Client, CompanyIn, ContactIn, DuplicateState, ExportFormat, ListOptions,
    LocationIn, TokenSource,
};
use codex_core::store::Db;
use codex_tests::{
    harness::{app::TestApp, keys},
    on_each_engine,
};
use futures::TryStreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

fn client(app: &TestApp, level: &str) -> anyhow::Result<Client> {
    let token = app.core.key.user(level, &format!("{level}@msp.example"))?;
    Ok(Client::new(&app.url(), TokenSource::fixed(token))?)
}

fn named(name: &str) -> CompanyIn {
    CompanyIn {
        name: Some(name.into()),
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
        let wanted = CompanyIn { account_number: Some("654321".into()), ..named("Other GmbH") };
        assert_eq!(companies.create(&wanted).await?.account_number, "654321");
        let taken = companies.create(&wanted).await.unwrap_err();
        assert_eq!(taken.status(), Some(409));
        assert!(taken.to_string().contains("654321 belongs to company"), "{taken}");
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
        app.pull(&["/sync/agents"]).await?;
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

    async fn manual_record_matches_an_arriving_vendor_record(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let company = CompanyIn { account_number: Some("100001".into()), ..named("By hand") };
        client.companies().create(&company).await?;
        let email = {
            let world = app.world.lock();
            // Of the company that the person is given below.
            world.requesters[1]["primary_email"].as_str().unwrap_or_default().to_owned()
        };
        let uid = {
            let world = app.world.lock();
            world.devices[0].body["uid"].as_str().unwrap_or_default().to_owned()
        };
        let person = ContactIn {
            name: Some("By hand".into()),
            email: Some(Some(email.to_uppercase())),
            company_account_numbers: Some(vec!["100001".into()]),
            ..ContactIn::default()
        };
        let person = client.contacts().create(&person).await?;
        let device = AssetIn {
            hostname: Some("by-hand".into()), device_uid: Some(Some(uid)), ..AssetIn::default()
        };
        let device = client.assets().create(&device).await?;
        app.sync().await?;
        assert_eq!(client.companies().list().await?.len(), 3, "not one more");
        assert_eq!(client.companies().get("100001").await?.name, "By hand", "what a person said stays");
        assert_eq!(client.contacts().get(person.id).await?.name, "By hand");
        let contacts = client.contacts().all(&ListOptions::default()).await?;
        let same = contacts.iter().filter(|one| one.email.eq_ignore_ascii_case(&email));
        assert_eq!(same.count(), 1);
        let device = client.assets().get(device.id).await?;
        assert_eq!(device.hostname, "by-hand");
        assert!(device.last_seen.is_some(), "the RMM tells what moves");
        Ok(())
    }

    async fn matched_record_stays_when_its_vendor_loses_it(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let (email, uid) = {
            let world = app.world.lock();
            let email = world.requesters[0]["primary_email"].as_str().unwrap().to_owned();
            (email, world.devices[0].body["uid"].as_str().unwrap().to_owned())
        };
        let company = CompanyIn { account_number: Some("100001".into()), ..named("By hand") };
        client.companies().create(&company).await?;
        let person = ContactIn { name: Some("By hand".into()), email: Some(Some(email)), ..ContactIn::default() };
        let person = client.contacts().create(&person).await?.id;
        let device = AssetIn { hostname: Some("by-hand".into()), device_uid: Some(Some(uid.clone())), ..AssetIn::default() };
        let device = client.assets().create(&device).await?.id;
        app.sync().await?;
        let counts = async || -> anyhow::Result<[usize; 3]> {
            let all = ListOptions::default();
            Ok([
                client.companies().list().await?.len(), client.contacts().all(&all).await?.len(),
                client.assets().all(&all).await?.len(),
            ])
        };
        let before = counts().await?;
        let gone = {
            let mut world = app.world.lock();
            world.delete_device(&uid).unwrap();
            let at = world.departments.iter().position(|one| one["custom_fields"]["account_number"] == 100_001);
            (world.departments.remove(at.unwrap()), world.requesters.remove(0))
        };
        // Two runs: one 404 is not enough.
        for _ in 0..3 {
            app.sync().await?;
        }
        let db = Db::open(app.database_url()).await?;
        let lost = "select kind from claims where gone_at is not null and anchor order by kind";
        // The main office is a part of its department and is lost with it.
        assert_eq!(db.query(lost).scalars::<String>().await?, ["asset", "company", "contact", "location"]);
        assert_eq!(counts().await?, before);
        assert_eq!(client.companies().get("100001").await?.name, "By hand");
        assert_eq!(client.contacts().get(person).await?.name, "By hand");
        assert_eq!(client.assets().get(device).await?.hostname, "by-hand");
        // What comes back is the same record, not one more.
        {
            let mut world = app.world.lock();
            world.departments.push(gone.0);
            world.requesters.push(gone.1);
        }
        app.sync().await?;
        assert_eq!(counts().await?, before);
        assert_eq!(db.query(lost).scalars::<String>().await?, ["asset"]);
        Ok(())
    }

    async fn ambiguous_matches_both_stay_and_are_reported(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let email = app.world.lock().requesters[0]["primary_email"].as_str().unwrap_or_default().to_owned();
        let person = ContactIn {
            name: Some("Twin".into()), email: Some(Some(email)), ..ContactIn::default()
        };
        client.contacts().create(&person).await?;
        client.contacts().create(&person).await?;
        app.sync().await?;
        let contacts = client.contacts().all(&ListOptions::default()).await?;
        assert_eq!(contacts.iter().filter(|one| one.name == "Twin").count(), 2);
        let jobs = app.json("/sync/jobs").await?;
        assert!(jobs.to_string().contains("possible duplicate: contact"), "{jobs}");
        Ok(())
    }

    async fn serial_number_found_twice_is_reported(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        for n in 0..9 {
            let device = AssetIn {
                hostname: Some(format!("twin-{n}")), serial_number: Some(Some(format!("SN{n:06}"))), ..AssetIn::default()
            };
            client.assets().create(&device).await?;
        }
        let before = client.assets().all(&ListOptions::default()).await?.len();
        app.pull(&["/sync/audits"]).await?;
        assert_eq!(client.assets().all(&ListOptions::default()).await?.len(), before, "all stay");
        let found = client.duplicates().list(&ListOptions::default()).await?.items;
        assert!(!found.is_empty());
        let jobs = app.json("/sync/jobs").await?.to_string();
        for one in &found {
            let facts: Vec<&str> = one.evidence.iter().map(|fact| fact.fact.as_str()).collect();
            assert_eq!((one.kind.as_str(), one.state, facts), ("asset", DuplicateState::Open, vec!["serial_number"]));
            let told = format!(
                "duplicate candidate: asset {} and asset {} may be one (serial_number)", one.record_a.id, one.record_b.id
            );
            assert!(jobs.contains(&told), "{told}: {jobs}");
        }
        Ok(())
    }

    async fn contacts_and_assets_link_companies_and_each_other(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let numbers: Vec<String> = client.companies().list().await?.into_iter()
            .map(|company| company.account_number).collect();
        let own = client.companies().contacts(&numbers[0]).await?.remove(0);
        // From one company to another: the sync's own link is taken away by hand.
        let moved = ContactIn {
            company_account_numbers: Some(vec![numbers[1].clone()]), ..ContactIn::default()
        };
        client.contacts().update(own.id, &moved).await?;
        app.sync().await?;
        let of = async |number: &String| -> anyhow::Result<Vec<i64>> {
            Ok(client.companies().contacts(number).await?.iter().map(|contact| contact.id).collect())
        };
        assert!(!of(&numbers[0]).await?.contains(&own.id));
        assert!(of(&numbers[1]).await?.contains(&own.id));
        let unknown = ContactIn {
            company_account_numbers: Some(vec!["000000".into()]), ..ContactIn::default()
        };
        let error = client.contacts().update(own.id, &unknown).await.unwrap_err();
        assert_eq!(error.status(), Some(400));
        assert!(error.to_string().contains("there is no company 000000"), "{error}");

        let asset = AssetIn {
            hostname: Some("new".into()),
            company_account_number: Some(Some(numbers[0].clone())),
            contact_ids: Some(vec![own.id]),
            ..AssetIn::default()
        };
        let asset = client.assets().create(&asset).await?;
        let of_company = client.companies().assets(&numbers[0]).await?;
        assert!(of_company.iter().any(|one| one.id == asset.id));
        let none = AssetIn { company_account_number: Some(None), ..AssetIn::default() };
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
            name: Some("Branch".into()), address: Some(Some("Street 1".into())), ..LocationIn::default()
        };
        let made = companies.create_location(account, &branch).await?;
        let edit = LocationIn { address: Some(None), ..LocationIn::default() };
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

    async fn dry_run_reports_and_changes_nothing(app: TestApp) -> TestResult {
        app.sync().await?;
        let before = app.json("/api/companies/100001").await?;
        let tell = async |method: Method, path: &str, body: Value| -> anyhow::Result<Value> {
            let path = format!("{path}?dry_run=true");
            let answer = app.call_as("admin", method, &path)?.json(&body).send().await?;
            assert_eq!(answer.status(), 202, "{path}");
            Ok(answer.json().await?)
        };
        let told = tell(Method::PUT, "/api/companies/100001", json!({"name": "X"})).await?;
        assert_eq!(told["dry_run"], true);
        let change = &told["changes"][0];
        assert_eq!((&change["op"], &change["kind"]), (&json!("update"), &json!("company")));
        assert_eq!(change["fields"]["name"]["after"], "X");
        let told = tell(Method::DELETE, "/api/companies/100001", json!(null)).await?;
        assert_eq!(told["changes"][0]["op"], "delete");
        let told = tell(Method::POST, "/api/companies", json!({"name": "X"})).await?;
        assert_eq!(told["changes"][0]["op"], "create");
        tell(Method::POST, "/api/companies/bulk", json!([{"name": "X"}])).await?;
        let plan = json!({"plan_name": "X", "term_length": "1 Year"});
        tell(Method::POST, "/api/billing-plans", plan).await?;
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

    async fn dry_run_shows_companies_by_account_number(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let (own, other) = ("100001", "100002");
        let foretold = async |method: Method, path: &str, body: Value| -> anyhow::Result<Value> {
            let call = app.call_as("admin", method, &format!("{path}?dry_run=true"))?;
            let answer = call.json(&body).send().await?;
            assert_eq!(answer.status(), 202, "{path}");
            let told: Value = answer.json().await?;
            assert!(!told.to_string().contains("company_id"), "{path}: {told}");
            Ok(told["changes"][0].clone())
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

    async fn plan_is_restored_by_billing_roles(app: TestApp) -> TestResult {
        let billing = client(&app, "billing")?;
        let plan = codex_client::BillingPlanIn {
            plan_name: Some("Gold".into()), term_length: Some("1 Year".into()), ..Default::default()
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

    async fn bulk_read_equals_the_single_routes(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "admin")?;
        let companies = client.companies();
        let bulk = companies.bulk(Some(BulkTickets { year: None }));
        let bulk: Vec<_> = bulk.try_collect().await?;
        assert_eq!(bulk.len(), 3);
        for one in &bulk {
            let account = &one.company.account_number;
            assert_eq!(one.company, companies.get(account).await?);
            assert_eq!(one.assets, companies.assets(account).await?);
            assert_eq!(one.contacts, companies.contacts(account).await?);
            assert_eq!(one.locations, companies.locations(account).await?);
            assert_eq!(one.tickets, Some(client.tickets().of_company(account, None).await?));
        }
        assert!(bulk.iter().any(|one| one.tickets.as_ref().is_some_and(|tickets| !tickets.is_empty())));
        let plain: Vec<_> = companies.bulk(None).try_collect().await?;
        assert!(plain.iter().all(|one| one.tickets.is_none()));
        let raw = app.json("/api/companies/bulk?include_tickets=TRUE&year=2000").await?;
        assert_eq!(raw[0]["tickets"], json!([]));
        assert!(app.json("/api/companies/bulk?include_tickets=1").await?[0].get("tickets").is_none());
        assert_eq!(app.get_as("client", "/api/companies/bulk")?.send().await?.json::<Value>().await?, json!([]));
        Ok(())
    }

    async fn every_kind_is_exported_as_ndjson_and_csv(app: TestApp) -> TestResult {
        app.pull(&["/sync/psa", "/sync/datto", "/sync/tickets", "/sync/agents"]).await?;
        let client = client(&app, "admin")?;
        let plan = codex_client::BillingPlanIn {
            plan_name: Some("Gold, \"all in\"".into()), term_length: Some("1 Year".into()), ..Default::default()
        };
        client.billing().create_plan(&plan).await?;
        let option = codex_client::FeatureOptionIn {
            feature_category: "soc".into(), option_value: "Huntress".into(), ..Default::default()
        };
        client.billing().create_feature_option(&option).await?;
        let agreed = codex_client::OverrideIn {
            value: Some(codex_client::OverrideValue::Price(9.5)), enabled: None,
        };
        client.billing().set_override("100001", "per_user_cost", &agreed).await?;
        for resource in codex_core::EXPORTS {
            let lines = client.export(resource, ExportFormat::Ndjson).await?.text().await?;
            let records: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            let table = client.export(resource, ExportFormat::Csv).await?.text().await?;
            let mut table = csv::Reader::from_reader(table.as_bytes());
            let names = table.headers()?.clone();
            let rows: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>()?;
            assert_eq!(rows.len(), records.len(), "{resource}");
            for (row, record) in rows.iter().zip(&records) {
                assert_eq!(names.iter().collect::<Vec<_>>(), keys(record), "{resource}");
                for (name, text) in names.iter().zip(row) {
                    let wanted = match &record[name] {
                        Value::Null => String::new(),
                        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => format!("'{text}"),
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    assert_eq!(text, wanted, "{resource} {name}");
                }
            }
            assert!(!records.is_empty(), "{resource}");
        }
        assert_eq!(client.companies().list().await?.len(), 3);
        for bad in ["planets.csv", "companies.xml", "companies"] {
            let answer = app.get(&format!("/api/export/{bad}"))?.send().await?;
            assert_eq!(answer.status(), 404, "{bad}");
        }
        let own = app.get_as("client", "/api/export/companies.ndjson")?.send().await?;
        assert_eq!((own.status().as_u16(), own.text().await?), (200, String::new()));
        for empty in ["companies", "contacts", "assets", "locations", "tickets"] {
            let own = app.get_as("client", &format!("/api/export/{empty}.csv"))?.send().await?.text().await?;
            let all = client.export(empty, ExportFormat::Csv).await?.text().await?;
            let all: Vec<&str> = all.lines().next().unwrap().split(',').collect();
            let own: Vec<&str> = own.trim_end().split(',').collect();
            assert!(own.len() < all.len() && own.iter().all(|name| all.contains(name)), "{empty}: {own:?}");
        }
        for refused in ["agents", "billing-plans", "overrides", "psa-agents"] {
            let answer = app.get_as("client", &format!("/api/export/{refused}.csv"))?.send().await?;
            assert_eq!(answer.status(), 403, "{refused}");
        }
        Ok(())
    }

    /// B16: whatever lists give staff by `fields=` is in exports.
    async fn every_selectable_field_is_exported(app: TestApp) -> TestResult {
        app.pull(&["/sync/psa", "/sync/datto", "/sync/audits", "/sync/tickets", "/sync/agents"]).await?;
        let plan = codex_client::BillingPlanIn {
            plan_name: Some("Gold".into()), term_length: Some("1 Year".into()), ..Default::default()
        };
        let client = client(&app, "admin")?;
        client.billing().create_plan(&plan).await?;
        let spec = serde_json::to_value(codex_daemon::openapi::public())?;
        let partial = |name: &str| spec["components"]["schemas"][format!("Partial{name}")]["properties"].clone();
        for (kind, list, at, names) in [
            ("companies", "/api/companies", "", ["CompanyOut"].as_slice()),
            ("contacts", "/api/contacts", "", &["ContactOut"]),
            ("assets", "/api/assets", "", &["AssetOut"]),
            ("locations", "/api/companies/100001/locations", "", &["LocationOut"]),
            ("tickets", "/api/tickets", "/tickets", &["TicketOut", "TicketDetailOut"]),
            ("agents", "/api/agents", "/agents", &["AgentOut"]),
            ("billing-plans", "/api/billing-plans", "", &["BillingPlanOut"]),
        ] {
            let fields: std::collections::BTreeSet<String> =
                names.iter().flat_map(|name| keys(&partial(name)).into_iter().map(str::to_owned).collect::<Vec<_>>()).collect();
            assert!(fields.len() > 5, "{kind}: {fields:?}");
            let table = client.export(kind, ExportFormat::Csv).await?.text().await?;
            let table = csv::Reader::from_reader(table.as_bytes()).headers()?.clone();
            let lines = client.export(kind, ExportFormat::Ndjson).await?.text().await?;
            let lines: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            for field in &fields {
                assert!(table.iter().any(|name| name == field), "{kind}.csv lacks `{field}`");
                assert!(lines.iter().all(|record| record.get(field).is_some()), "{kind}.ndjson lacks `{field}`");
            }
            // The values are those of the list.
            let id = ["id", "account_number", "keycloak_id"].into_iter().find(|id| fields.contains(*id)).unwrap();
            let own: Vec<String> = keys(&partial(names[0])).into_iter().map(str::to_owned).collect();
            let listed = app.json(&format!("{list}?fields={}&limit=50", own.join(","))).await?;
            let listed = listed.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default();
            assert!(!listed.is_empty(), "{kind}");
            for record in &listed {
                let exported = lines.iter().find(|line| line[id] == record[id]);
                let exported = exported.unwrap_or_else(|| panic!("{kind}: {record} is not exported"));
                for field in &own {
                    // When agents were last read is of the answer, not of the record.
                    assert!(field == "last_synced_at" || exported[field] == record[field], "{kind} {field}: {exported}");
                }
            }
        }
        let assets = client.export("assets", ExportFormat::Ndjson).await?.text().await?;
        assert!(assets.lines().any(|line| line.contains("\"reboot_required\":true") || line.contains("\"reboot_required\":false")));
        Ok(())
    }

    async fn exported_texts_are_never_formulas(app: TestApp) -> TestResult {
        let client = client(&app, "admin")?;
        let formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(\"http://x.example\"; \"y\")"];
        for name in formulas {
            let company = codex_client::CompanyIn { name: Some(name.into()), ..Default::default() };
            client.companies().create(&company).await?;
        }
        let table = client.export("companies", ExportFormat::Csv).await?.text().await?;
        let mut table = csv::Reader::from_reader(table.as_bytes());
        let column = table.headers()?.iter().position(|name| name == "name").unwrap();
        let rows: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>()?;
        let names: Vec<&str> = rows.iter().map(|row| &row[column]).collect();
        assert_eq!(names, formulas.map(|name| format!("'{name}")));
        let lines = client.export("companies", ExportFormat::Ndjson).await?.text().await?;
        assert!(lines.contains("\"name\":\"=1+1\""), "{lines}");
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

    async fn records_without_account_number_are_exported(app: TestApp) -> TestResult {
        let email = {
            let mut world = app.world.lock();
            let department = world.departments.iter_mut().find(|one| one["custom_fields"]["account_number"] == 100_001);
            let department = department.unwrap();
            department["custom_fields"]["account_number"] = Value::Null;
            let id = department["id"].clone();
            let people = world.requesters.iter();
            let mut own = people.filter(|one| one["department_ids"] == json!([id]) && one["primary_email"].is_string());
            own.next().unwrap()["primary_email"].as_str().unwrap().to_owned()
        };
        app.sync().await?;
        let export = async |token: &str, kind: &str| -> anyhow::Result<Vec<Value>> {
            let client = Client::new(&app.url(), TokenSource::fixed(token.to_owned()))?;
            let lines = client.export(kind, ExportFormat::Ndjson).await?.text().await?;
            Ok(lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
        };
        let admin = app.core.key.user("admin", "admin@msp.example")?;
        let companies = export(&admin, "companies").await?;
        let listed = app.json("/api/companies").await?.as_array().unwrap().len();
        assert_eq!(companies.len(), listed + 1);
        let of_department: Vec<_> = companies.iter().filter(|one| one["account_number"].is_null()).collect();
        assert_eq!(of_department.len(), 1);
        let locations = export(&admin, "locations").await?;
        assert!(locations.iter().any(|one| one["company_account_number"].is_null()), "{locations:?}");
        // Its people see it, and no other.
        let own = app.core.key.user("client", &email)?;
        let seen = export(&own, "companies").await?;
        assert_eq!((seen.len(), &seen[0]["name"]), (1, &of_department[0]["name"]));
        assert!(seen[0]["billing_plan"] == "" && seen[0]["account_number"].is_null(), "{seen:?}");
        assert!(export(&own, "locations").await?.iter().all(|one| one["company_account_number"].is_null()));
        Ok(())
    }
}
