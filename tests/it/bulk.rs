//! Many records written with one call.

use std::future::IntoFuture as _;

use codex_client::{
    AssetBulkIn, AssetIn, BulkAction, BulkStatus, CompanyIn, ContactBulkIn, ContactIn, ListOptions,
};
use codex_tests::{
    harness::{
        app::{TestApp, client},
        random_text,
    },
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

fn person(name: &str, email: &str) -> ContactBulkIn {
    ContactBulkIn {
        id: None,
        contact: ContactIn {
            name: name.into(),
            email: email.into(),
            ..ContactIn::default()
        },
    }
}

fn device(hostname: &str, serial: &str) -> AssetBulkIn {
    AssetBulkIn {
        id: None,
        asset: AssetIn {
            hostname: hostname.into(),
            serial_number: serial.into(),
            ..AssetIn::default()
        },
    }
}

on_each_engine! {
    async fn upsert_does_not_match_similar_addresses(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let (contacts, assets) = (client.contacts(), client.assets());
        let one = [person("Muller", "muller@acme.test")];
        contacts.bulk_write(&one, BulkAction::Upsert, false).await?;
        let alike = [person("Müller", "müller@acme.test"), person("M", "MULLER@acme.test "), person("K", "mu\u{fb02}er@acme.test")];
        let out = contacts.bulk_write(&alike, BulkAction::Upsert, false).await?;
        let statuses: Vec<_> = out.results.iter().map(|row| row.status).collect();
        assert_eq!(statuses, [BulkStatus::Created, BulkStatus::Updated, BulkStatus::Created]);
        // A serial number moves no device to another company.
        let of = |company: &str| {
            let mut row = device("pc", "SN-BULK-1");
            row.asset.company_account_number = company.into();
            row
        };
        assets.bulk_write(&[of("100001")], BulkAction::Upsert, false).await?;
        let out = assets.bulk_write(&[of("100002")], BulkAction::Upsert, false).await?;
        assert_eq!((out.failed, out.results[0].errors[0].pointer.as_str()), (1, "/serial_number"), "{out:?}");
        let out = assets.bulk_write(&[of("100001")], BulkAction::Upsert, false).await?;
        assert_eq!((out.updated, out.failed), (1, 0), "{out:?}");
        Ok(())
    }

    async fn company_bulk_is_partial_or_atomic(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let companies = client.companies();
        let rows = [
            CompanyIn { account_number: "100001".into(), address: "A".into(), ..CompanyIn::default() },
            named("Fresh"),
            CompanyIn { account_number: "200001".into(), ..named("Numbered") },
            CompanyIn { compliance_level: "odd".into(), ..named("Bad") },
            CompanyIn { account_number: "200001".into(), ..named("Twice") },
        ];
        let refused = companies.bulk_write(&rows, BulkAction::Upsert, true).await.unwrap_err();
        assert_eq!(refused.status(), Some(422));
        assert_eq!(companies.list().await?.len(), 3);
        let out = companies.bulk_write(&rows, BulkAction::Upsert, false).await?;
        assert_eq!((out.created, out.updated, out.failed), (2, 1, 2));
        let statuses: Vec<_> = out.results.iter().map(|row| row.status).collect();
        assert_eq!(statuses, [BulkStatus::Updated, BulkStatus::Created, BulkStatus::Created,
            BulkStatus::Failed, BulkStatus::Failed]);
        assert_eq!(out.results[3].errors[0].pointer, "/compliance_level");
        assert_eq!(companies.list().await?.len(), 5);
        let again = companies.bulk_write(&rows[2..3], BulkAction::Create, false).await?;
        assert_eq!(again.failed, 1);
        let absent = CompanyIn { account_number: "999999".into(), ..named("Nobody") };
        assert_eq!(companies.bulk_write(&[absent], BulkAction::Update, false).await?.failed, 1);
        let too_many: Vec<_> = (0..1_001).map(|_| named("x")).collect();
        let error = companies.bulk_write(&too_many, BulkAction::Create, true).await.unwrap_err();
        assert_eq!(error.status(), Some(400));
        Ok(())
    }

    async fn company_bulk_statements_grow_with_its_chunks(app: TestApp) -> TestResult {
        let client = client(&app, "admin")?;
        let rows: Vec<_> = (0..1_000).map(|n| named(&format!("Company {n}"))).collect();
        let before = app.codex.statements_run();
        let out = client.companies().bulk_write(&rows, BulkAction::Create, false).await?;
        assert_eq!(out.created, 1_000);
        let used = app.codex.statements_run() - before;
        // Eight of the call with its key: looked up, old keys forgotten (2), the answer kept (3), the numbers given so
        // far, the first slots of the revisions. Of the twelve of a chunk its step takes three, its revisions one.
        assert!(used <= 4 * 12 + 8, "{used} statements for four chunks");
        Ok(())
    }

    async fn invalid_rows_are_reported_and_others_written(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "admin")?;
        client.companies().renumber("100001", "654321").await?;
        let numbered = |number: &str, name: &str| CompanyIn {
            account_number: number.into(), ..named(name)
        };
        let rows = [numbered("654321", "A"), numbered("100001", "B"), numbered("abc", "C"), named("D")];
        let out = client.companies().bulk_write(&rows, BulkAction::Upsert, false).await?;
        let statuses: Vec<_> = out.results.iter().map(|row| row.status).collect();
        assert_eq!(statuses, [BulkStatus::Updated, BulkStatus::Failed, BulkStatus::Failed, BulkStatus::Created]);
        assert_eq!(client.companies().get("100001").await?.name, "A");
        Ok(())
    }

    /// One row that the database could not take must not cost the others.
    async fn overlong_row_fails_alone(app: TestApp) -> TestResult {
        let client = client(&app, "admin")?;
        let long = random_text(3_000);
        let out = client.companies().bulk_write(&[named(&long), named("A")], BulkAction::Upsert, false).await?;
        assert_eq!((out.created, out.failed), (1, 1));
        assert_eq!(out.results[0].errors[0].pointer, "/name");
        let rows = [person("Ann", &long), person(&"\u{fdfa}".repeat(300), "a@bulk.example"), person("Ben", "b@bulk.example")];
        let out = client.contacts().bulk_write(&rows, BulkAction::Upsert, false).await?;
        assert_eq!((out.created, out.failed), (1, 2));
        let rows = [device("pc-1", &long), device("pc-2", "S2")];
        let out = client.assets().bulk_write(&rows, BulkAction::Upsert, false).await?;
        assert_eq!((out.created, out.failed), (1, 1));
        Ok(())
    }

    async fn dry_run_reports_the_result_of_each_row(app: TestApp) -> TestResult {
        app.sync().await?;
        let rows = json!([{"account_number": "100001", "address": "A"}, {"name": "Fresh"}, {"name": 7}, []]);
        for mode in ["partial", "atomic"] {
            let path = format!("/api/companies/bulk?dry_run=true&mode={mode}");
            let answer = app.call_as("admin", Method::POST, &path)?.json(&rows).send().await?;
            let (status, reported) = (answer.status(), answer.json::<Value>().await?);
            if mode == "atomic" {
                assert_eq!(status, 422, "{reported}");
                continue;
            }
            assert_eq!((status.as_u16(), reported["changes"].as_array().unwrap().len()), (202, 2), "{reported}");
            let out: codex_client::BulkOut = serde_json::from_value(reported["rows"].clone())?;
            assert_eq!((out.created, out.updated, out.failed), (1, 1, 2));
            assert_eq!(out.results[0].account_number.as_deref(), Some("100001"));
            assert_eq!((out.results[1].id, &out.results[1].account_number), (None, &None));
            assert_eq!(out.results[2].errors[0].pointer, "/name");
        }
        assert_eq!(client(&app, "admin")?.companies().list().await?.len(), 3);
        Ok(())
    }

    async fn contact_bulk_links_companies_and_assets(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let (contacts, companies) = (client.contacts(), client.companies());
        let ann = contacts.create(&person("Ann", "ann@bulk.example").contact).await?.id;
        let device = client.assets().create(&device("bulk-1", "S1").asset).await?.id;
        let at = |number: &str, mut row: ContactBulkIn| {
            row.contact.company_account_numbers = vec![number.to_owned()].into();
            row
        };
        let mut user = at("100001", person("Ben", "ben@bulk.example"));
        user.contact.asset_ids = vec![device].into();
        let rows = [
            at("100001", person("Ann Other", "ANN@bulk.example")),
            user,
            at("999999", person("Cid", "cid@bulk.example")),
            ContactBulkIn { id: Some(ann + 1_000), ..person("Dan", "dan@bulk.example") },
            person("Eva", "ben@bulk.example"),
        ];
        let refused = contacts.bulk_write(&rows, BulkAction::Upsert, true).await.unwrap_err();
        assert_eq!(refused.status(), Some(422));
        assert_eq!(contacts.get(ann).await?.name, "Ann");
        let out = contacts.bulk_write(&rows, BulkAction::Upsert, false).await?;
        let statuses: Vec<_> = out.results.iter().map(|row| row.status).collect();
        assert_eq!(statuses, [BulkStatus::Updated, BulkStatus::Created, BulkStatus::Failed,
            BulkStatus::Failed, BulkStatus::Failed]);
        let faults: Vec<_> = out.results.iter().flat_map(|row| &row.errors).collect();
        let places: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/company_account_numbers", "/id", "/email"]);
        assert_eq!(out.results[0].id, Some(ann));
        let ben = out.results[1].id.unwrap();
        let there = companies.contacts("100001").await?;
        let name = |id| there.iter().find(|contact| contact.id == id).map(|contact| contact.name.as_str());
        assert_eq!((name(ann), name(ben)), (Some("Ann Other"), Some("Ben")));
        let logged = app.json(&format!("/api/assets/{device}")).await?;
        assert_eq!(logged["hostname"], "bulk-1");
        // Several have one address: a row must say whom it means.
        contacts.create(&person("Ann Twin", "ann@bulk.example").contact).await?;
        let out = contacts.bulk_write(&[person("X", "ann@bulk.example")], BulkAction::Upsert, false).await?;
        assert!(out.results[0].errors[0].detail.contains("say which by `id`"), "{out:?}");
        let out = contacts.bulk_write(&[person("X", "ann@bulk.example")], BulkAction::Update, false).await?;
        assert_eq!(out.results[0].errors[0].pointer, "/id");
        // An id is never a caller's to give.
        let own = ContactBulkIn { id: Some(ann), ..person("X", "x@bulk.example") };
        let out = contacts.bulk_write(std::slice::from_ref(&own), BulkAction::Create, false).await?;
        assert_eq!(out.failed, 1);
        // No company and no asset any more.
        let none = ContactIn {
            company_account_numbers: Vec::new().into(), asset_ids: Vec::new().into(), ..ContactIn::default()
        };
        let rows = [ContactBulkIn { id: Some(ben), contact: none }];
        assert_eq!(contacts.bulk_write(&rows, BulkAction::Update, true).await?.updated, 1);
        assert!(companies.contacts("100001").await?.iter().all(|contact| contact.id != ben));
        Ok(())
    }

    async fn asset_bulk_links_company_and_contacts(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let assets = client.assets();
        let ann = client.contacts().create(&person("Ann", "ann@bulk.example").contact).await?.id;
        let old = assets.create(&device("bulk-1", "S1").asset).await?.id;
        let mut fresh = device("bulk-2", "S2");
        fresh.asset.company_account_number = "100001".into();
        fresh.asset.contact_ids = vec![ann].into();
        let mut stray = device("bulk-3", "S3");
        stray.asset.contact_ids = vec![ann + 1_000].into();
        let nameless = AssetBulkIn { id: Some(old), asset: AssetIn::default() };
        let rows = [device("renamed", "S1"), fresh, stray, nameless];
        let out = assets.bulk_write(&rows, BulkAction::Upsert, false).await?;
        let statuses: Vec<_> = out.results.iter().map(|row| row.status).collect();
        assert_eq!(statuses, [BulkStatus::Updated, BulkStatus::Created, BulkStatus::Failed, BulkStatus::Failed]);
        assert_eq!(out.results[2].errors[0].pointer, "/contact_ids");
        assert!(out.results[3].errors[0].detail.contains("as another row does"));
        assert_eq!(assets.get(old).await?.hostname, "renamed");
        let made = out.results[1].id.unwrap();
        assert!(client.companies().assets("100001").await?.iter().any(|asset| asset.id == made));
        let dry = app.call_as("admin", Method::POST, "/api/assets/bulk?dry_run=true")?
            .json(&json!([{"hostname": "never"}])).send().await?;
        assert_eq!(dry.status(), 202);
        let reported: Value = dry.json().await?;
        assert_eq!(reported["changes"][0]["op"], "create");
        let options = ListOptions::default();
        assert!(assets.all(&options).await?.iter().all(|asset| asset.hostname != "never"));
        Ok(())
    }

    async fn linked_bulk_statements_grow_with_its_chunks(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "admin")?;
        let row = |n: usize| {
            let mut row = person(&format!("Person {n}"), &format!("p{n}@bulk.example"));
            row.contact.company_account_numbers = vec!["100001".to_owned()].into();
            row
        };
        let rows: Vec<_> = (0..1_000).map(row).collect();
        for (action, least) in [(BulkAction::Create, "created"), (BulkAction::Upsert, "updated")] {
            let before = app.codex.statements_run();
            let out = client.contacts().bulk_write(&rows, action, false).await?;
            assert_eq!((out.created + out.updated, out.failed), (1_000, 0), "{least}");
            let used = app.codex.statements_run() - before;
            assert!(used <= 4 * 24, "{used} statements for four chunks, {least}");
        }
        assert!(client.companies().contacts("100001").await?.len() >= 1_000);
        Ok(())
    }

    async fn concurrent_upserts_create_each_record_once(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let rows: Vec<_> = (0..40).map(|n| person(&format!("Person {n}"), &format!("p{n}@bulk.example"))).collect();
        let contacts = client.contacts();
        let write = || contacts.bulk_write(&rows, BulkAction::Upsert, false).into_future();
        let (one, two) = tokio::try_join!(write(), write())?;
        assert_eq!((one.created + two.created, one.updated + two.updated), (40, 40));
        assert_eq!(contacts.all(&ListOptions::default()).await?.len(), 40);
        Ok(())
    }

    async fn links_to_many_records_fit_into_statements(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let devices: Vec<_> = (0..45).map(|n| device(&format!("bulk-{n}"), &format!("S{n}"))).collect();
        let made = client.assets().bulk_write(&devices, BulkAction::Create, true).await?;
        let ids: Vec<i64> = made.results.iter().filter_map(|row| row.id).collect();
        assert_eq!(ids.len(), 45);
        let row = |n: usize| {
            let mut row = person(&format!("Person {n}"), &format!("p{n}@bulk.example"));
            row.contact.asset_ids = ids.clone().into();
            row
        };
        let rows: Vec<_> = (0..1_000).map(row).collect();
        let out = client.contacts().bulk_write(&rows, BulkAction::Create, true).await?;
        assert_eq!((out.created, out.failed), (1_000, 0));
        let nothing = app.call_as("technician", Method::POST, "/api/contacts/bulk?action=update")?
            .json(&json!([{"id": out.results[0].id}, {"id": 1_000_000, "name": "x"}])).send().await?;
        let reported: Value = nothing.json().await?;
        assert_eq!((&reported["results"][0]["errors"][0]["pointer"], &reported["failed"]), (&json!(""), &json!(2)));
        Ok(())
    }
}
